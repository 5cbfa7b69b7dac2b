//! SLPF performed on a Linux host with iptables.
