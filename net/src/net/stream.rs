//! What the types here have in common, for every type that has a `blocking: Blocking`.

/// Reading and writing, of the stream and of references to it.
macro_rules! read_and_write {
    ($what:ident) => {
        impl std::io::Read for &$what {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                self.blocking.recv(buf, loggia_stack::base::MsgFlags::NONE)
            }

            fn read_vectored(&mut self, bufs: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
                self.blocking.recv_vectored(bufs)
            }
        }

        impl std::io::Write for &$what {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                self.blocking.write(buf)
            }

            fn write_vectored(&mut self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                self.blocking.write_vectored(bufs)
            }

            /// What was written is the stack's already.
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        impl std::io::Read for $what {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                (&*self).read(buf)
            }

            fn read_vectored(&mut self, bufs: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
                (&*self).read_vectored(bufs)
            }
        }

        impl std::io::Write for $what {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                (&*self).write(buf)
            }

            fn write_vectored(&mut self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                (&*self).write_vectored(bufs)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}

/// What every socket has.
macro_rules! socket_methods {
    () => {
        pub(super) fn socket(&self) -> &$crate::socket::Socket {
            self.blocking.socket()
        }

        /// Another handle of the same socket; the socket is closed with the last.
        pub fn try_clone(&self) -> std::io::Result<Self> {
            Ok(Self { blocking: self.blocking.clone() })
        }

        /// Whether calls give [`WouldBlock`](std::io::ErrorKind::WouldBlock) instead of waiting. All handles of the socket share this.
        pub fn set_nonblocking(&self, on: bool) -> std::io::Result<()> {
            self.blocking.set_nonblocking(on);
            Ok(())
        }

        /// The error that waits on the socket, which is taken off it.
        pub fn take_error(&self) -> std::io::Result<Option<std::io::Error>> {
            self.socket().take_error()
        }
    };
}

/// Timeouts of reading and writing.
macro_rules! timeout_methods {
    () => {
        /// Longest a read waits (`SO_RCVTIMEO`); then it gives [`WouldBlock`](std::io::ErrorKind::WouldBlock).
        pub fn set_read_timeout(&self, timeout: Option<std::time::Duration>) -> std::io::Result<()> {
            self.blocking.set_timeout(loggia_stack::socket::numbers::sol_socket::SO_RCVTIMEO, timeout)
        }

        /// Longest a write waits (`SO_SNDTIMEO`); then it gives [`WouldBlock`](std::io::ErrorKind::WouldBlock).
        pub fn set_write_timeout(&self, timeout: Option<std::time::Duration>) -> std::io::Result<()> {
            self.blocking.set_timeout(loggia_stack::socket::numbers::sol_socket::SO_SNDTIMEO, timeout)
        }

        /// Longest a read waits.
        pub fn read_timeout(&self) -> std::io::Result<Option<std::time::Duration>> {
            self.blocking.timeout(loggia_stack::socket::numbers::sol_socket::SO_RCVTIMEO)
        }

        /// Longest a write waits.
        pub fn write_timeout(&self) -> std::io::Result<Option<std::time::Duration>> {
            self.blocking.timeout(loggia_stack::socket::numbers::sol_socket::SO_SNDTIMEO)
        }
    };
}

pub(super) use {read_and_write, socket_methods, timeout_methods};
