//! One story told four times: by the addresses of both families, as who runs the tests and as somebody without privileges.

use crate::scene::Scene;

/// Programs on two hosts of a lab.
pub(crate) struct Story {
    /// Programs that must be installed.
    pub(crate) needs: &'static [&'static str],
    /// Puts what else is needed into the folder; false if that cannot be had here, which it says.
    pub(crate) prepare: fn(&Scene) -> bool,
    /// Keys of the link between them.
    pub(crate) link: &'static str,
    /// Keys of the server. In these and the client's `WORK` is the folder.
    pub(crate) server: &'static str,
    /// Keys of the client. `SERVER` is the server's address, `URL` the same as it stands in one, `-FAMILY` the option `-4` or `-6`.
    pub(crate) client: &'static str,
    /// More of the lab file: checks.
    pub(crate) more: &'static str,
}

/// By which of its addresses the client knows the server.
#[derive(Clone, Copy)]
pub(crate) enum Family {
    V4,
    V6,
}

/// Who runs the lab.
#[derive(Clone, Copy)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Own,
    /// User 65534, with a folder of its own.
    Nobody,
}

impl Story {
    /// Runs it and asserts that everything holds.
    pub(crate) fn tell(&self, family: Family, user: User) {
        let Some(scene) = Scene::new(self.needs, user) else { return };
        if (self.prepare)(&scene) {
            scene.holds(&self.lab(family));
        }
    }

    /// The lab file.
    fn lab(&self, family: Family) -> String {
        let Self { link, server, client, more, .. } = self;
        let (address, url, option) = match family {
            Family::V4 => ("10.0.0.1", "10.0.0.1", "-4"),
            Family::V6 => ("fd00::1", "[fd00::1]", "-6"),
        };
        let client = client.replace("SERVER", address).replace("URL", url).replace("-FAMILY", option);
        format!(
            "schema = 1\ndeadline = \"900s\"\n[link.wan]\nends = [\"server\", \"client\"]\n{link}\n\
             [host.server]\n{server}\nexpect = \"running\"\n[host.client]\n{client}\nafter = \"server\"\n{more}\n"
        )
    }
}

/// Makes a module of each story, with a test for each way to tell it.
macro_rules! tell {
    ($($story:ident: $stated:expr;)*) => {$(
        mod $story {
            use crate::story::{Family, User};
            const STORY: crate::story::Story = $stated;

            #[test]
            fn ipv4() {
                STORY.tell(Family::V4, User::Own);
            }

            #[test]
            fn ipv6() {
                STORY.tell(Family::V6, User::Own);
            }

            #[test]
            fn ipv4_unprivileged() {
                STORY.tell(Family::V4, User::Nobody);
            }

            #[test]
            fn ipv6_unprivileged() {
                STORY.tell(Family::V6, User::Nobody);
            }
        }
    )*};
}
pub(crate) use tell;
