use std::fs;

use oc2_actuator_iptables::backend::{BackendConfig, Restore};
use oc2_packet_filter::backend::{Backend, BackendError};
use oc2_packet_filter::{Family, Flavor};

use crate::support::{Host, ToolDir, delete_port, insert_port, ports, restore_children};

on_every_flavor! {
    fn a_tool_that_echoes_nothing_is_started_for_every_transaction(host) {
        let (tools, mut backend) = without_echo(host);
        backend.load(&ports(&[1, 2])).unwrap();
        backend.apply(&[insert_port(5, 9)]).unwrap();
        backend.apply(&[delete_port(20, 2)]).unwrap();
        assert!(backend.holds(&ports(&[9, 1])).unwrap());
        let starts = fs::read_to_string(tools.path().join("starts")).unwrap();
        assert_eq!(starts.lines().count(), 5, "a probe, a question about sets, a load, two changes: {starts}");
        assert_eq!(restore_children().len(), 1, "only IPv6 stays");
    }

    fn a_refusal_is_told_without_an_echo_too(host) {
        let (_tools, mut backend) = without_echo(host);
        backend.load(&ports(&[1, 2])).unwrap();
        host.iptables(Family::V4, "-F OC2-4I1");
        let error = backend.apply(&[insert_port(5, 9), delete_port(10, 1)]).unwrap_err();
        assert!(matches!(error, BackendError::Refused { .. }), "{error}");
        assert_eq!(host.iptables(Family::V4, "-S OC2-4I1"), "-N OC2-4I1\n");
    }

    fn a_tool_that_is_missing_is_named(host) {
        let (tools, _backend) = without_echo(host);
        let missing = host.tool(Family::V6, "-restore");
        let missing = missing.file_name().unwrap();
        fs::remove_file(tools.path().join(missing)).unwrap();
        let error = Restore::open(&config(host, &tools)).unwrap_err();
        assert!(matches!(&error, BackendError::MissingTool { tool } if **tool == *missing), "{error}");
    }
}

/// Versions before 1.8.5 keep comments to themselves.
fn without_echo(host: &Host) -> (ToolDir, Restore) {
    let tools = host.tools_with(Family::V4, "echo x >> ${0%/*}/starts; exec REAL \"$@\" > /dev/null");
    let backend = Restore::open(&config(host, &tools)).unwrap();
    (tools, backend)
}

fn config(host: &Host, tools: &ToolDir) -> BackendConfig {
    BackendConfig { tool_dirs: vec![tools.path().into()], ..host.config() }
}
