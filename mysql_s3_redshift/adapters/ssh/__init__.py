"""SSH tunnels: OpenSSH as a supervised child, listening where only this user can connect."""

from mysql_s3_redshift.adapters.ssh.tunnel import Tunnel

__all__ = ["Tunnel"]
