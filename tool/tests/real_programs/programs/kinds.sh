#!/bin/bash
# Servers of all kinds, in the background; the last is a daemon that nobody waits for.
port=4001
for kind in processes threads edges reuseport signals; do
    ./talk serve $kind $port &
    port=$((port + 1))
done
./talk serve daemon $port
wait
