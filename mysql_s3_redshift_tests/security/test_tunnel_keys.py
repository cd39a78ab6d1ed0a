"""Host keys and private keys of tunnels: who is trusted, and what is refused."""

from __future__ import annotations

import subprocess
import threading

import pytest

from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift.sandbox.ports import HOST
from mysql_s3_redshift_tests.security.bastion import make_key
from mysql_s3_redshift_tests.security.tunnels import command_line, descendants, eventually

PASSPHRASE = "correct horse battery"


# -- host keys ----------------------------------------------------------------------------------


def test_a_bastion_that_known_hosts_does_not_know_is_refused(tunnel_to_mysql, tmp_path):
    empty = tmp_path / "known_hosts"
    empty.touch()
    with pytest.raises(ConfigError, match=r"did not show a host key") as refused:
        tunnel_to_mysql(known_hosts=str(empty)).open()
    assert "sources.shop.ssh" in str(refused.value)
    assert "ssh-keyscan -p " in refused.value.remedy
    assert empty.read_text() == ""


def test_a_bastion_that_shows_another_host_key_is_refused(bastion, tunnel_to_mysql, tmp_path):
    other = make_key(tmp_path / "other")
    forged = tmp_path / "known_hosts"
    public = other.with_name("other.pub").read_text()
    forged.write_text(f"[{HOST}]:{bastion.port} {public}")
    with pytest.raises(ConfigError, match=r"did not show a host key"):
        tunnel_to_mysql(known_hosts=str(forged)).open()


def test_without_known_hosts_the_remedy_names_the_command(tunnel_to_mysql, tmp_path):
    with pytest.raises(ConfigError) as refused:
        tunnel_to_mysql(known_hosts=str(tmp_path / "none")).open()
    assert "ssh-keyscan -p " in refused.value.remedy


# -- private keys -------------------------------------------------------------------------------


def test_a_key_that_others_can_read_is_refused_with_the_chmod(tunnel_to_mysql, tmp_path):
    key = make_key(tmp_path / "key")
    key.chmod(0o644)
    with pytest.raises(ConfigError, match=r"open to other users \(mode 0644\)") as refused:
        tunnel_to_mysql(private_key=str(key)).open()
    assert refused.value.remedy == f"Run `chmod 600 {key}`."
    assert "sources.shop.ssh.private_key" in refused.value.happened


@pytest.mark.parametrize("content", [None, "ssh-ed25519 AAAA key", "PuTTY-User-Key-File-3: x"])
def test_a_file_that_is_no_private_key_is_refused(tunnel_to_mysql, tmp_path, content):
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
        key.chmod(0o600)
    with pytest.raises(ConfigError, match=r"cannot be read|is not a private key"):
        tunnel_to_mysql(private_key=str(key)).open()


def test_a_key_that_the_bastion_does_not_know_is_refused(tunnel_to_mysql, tmp_path):
    stranger = make_key(tmp_path / "stranger")
    with pytest.raises(ConfigError, match="Permission denied") as refused:
        tunnel_to_mysql(private_key=str(stranger)).open()
    assert "authorized_keys" in refused.value.remedy


def test_the_passphrase_opens_the_key_and_stands_on_no_command_line(
    bastion, tunnel_to_mysql, tmp_path
):
    key = make_key(tmp_path / "key with 100% spaces", PASSPHRASE)
    bastion.admit(key)
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            seen.extend(" ".join(command_line(process)) for process in descendants())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        tunnel = tunnel_to_mysql(private_key=str(key), private_key_passphrase=PASSPHRASE)
        tunnel.open()
    finally:
        stop.set()
        watcher.join()
    assert any("ssh-tunnel-" in line for line in seen)
    assert not any(PASSPHRASE in line for line in seen)
    assert [file.name for file in tunnel.open().parent.iterdir()] == ["socket"]


@pytest.mark.parametrize(
    ("given", "message"),
    [(None, "passphrase is not given"), ("wrong", "passphrase does not open")],
)
def test_a_passphrase_that_is_missing_or_wrong_is_told(
    bastion, tunnel_to_mysql, tmp_path, given, message
):
    key = make_key(tmp_path / "key", PASSPHRASE)
    bastion.admit(key)
    with pytest.raises(ConfigError, match=message) as refused:
        tunnel_to_mysql(private_key=str(key), private_key_passphrase=given).open()
    assert PASSPHRASE not in str(refused.value)
    assert "ssh-add" in refused.value.remedy


def test_the_agents_keys_are_used_where_no_key_is_named(
    bastion, tunnel_to_mysql, monkeypatch, tmp_path
):
    address = tmp_path / "agent"
    agent = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(address)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        eventually(address.exists)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
        subprocess.run(["ssh-add", str(bastion.key)], check=True, capture_output=True)
        tunnel_to_mysql(private_key=None).connect().close()
    finally:
        agent.terminate()
        agent.communicate(timeout=60)


def test_without_key_and_agent_the_error_names_both_ways(tunnel_to_mysql, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(ConfigError, match="no SSH agent is running") as refused:
        tunnel_to_mysql(private_key=None).open()
    assert "ssh-add" in refused.value.remedy


def test_a_configuration_file_can_add_a_jump_but_not_weaken_trust(
    bastion, warehouse_bastion, tunnel_to_mysql, tmp_path
):
    jump = f"-W %h:%p -p {warehouse_bastion.port} -i {warehouse_bastion.key}"
    jump += f" -o UserKnownHostsFile={warehouse_bastion.known_hosts} -o BatchMode=yes"
    settings = tmp_path / "config"
    settings.write_text(
        f"StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nProxyCommand ssh {jump} {HOST}\n"
    )
    tunnel_to_mysql(config_file=str(settings)).connect().close()
    empty = tmp_path / "known_hosts"
    empty.touch()
    with pytest.raises(ConfigError, match="did not show a host key"):
        tunnel_to_mysql(config_file=str(settings), known_hosts=str(empty)).open()
