//! Real programs, unmodified, on a described network: each story is a lab file, run by the program as a user would. Programs that are not
//! installed are skipped aloud; the test command installs them.
//!
//! * `story`, `scene`: how one is told, and the folder it is told in
//! * `stories`: the programs
//! * `truth`: what programs see of the network, and what captures show, is what was described
#![cfg(target_os = "linux")]

mod scene;
mod stories;
mod story;
mod truth;

use scene::Scene;
use story::User;

#[test]
fn a_shell_script_starts_servers_in_the_background_and_all_of_it_ends() {
    let Some(scene) = Scene::new(&["bash", "python3", "curl"], User::Own) else { return };
    scene.file("site/index.html", b"hello");
    let script = "#!/bin/bash\nset -e\npython3 -m http.server 8001 --directory site >/dev/null 2>&1 &\n\
                  (setsid python3 -m http.server 8002 --directory site >/dev/null 2>&1 &)\n\
                  for port in 8001 8002; do for n in $(seq 100); do curl -s http://localhost:$port/ && break || sleep 0.1; done; done\n";
    scene.file("script.sh", script.as_bytes());
    scene.holds("schema = 1\ndeadline = \"60s\"\n[host.box]\nrun = \"bash script.sh\"\n");
    assert!(!Scene::anybody_left("http.server 8002"), "a daemon outlived the run");
}
