"""The example configuration of the contract, and the variables that it needs."""

from pathlib import Path

CONTRACT = Path(__file__).with_name("contract.yaml")
CONTRACT_VARIABLES = {
    "MYSQL_USER": "reader",
    "MYSQL_PASSWORD": "secret-1",
    "SSH_USER": "hopper",
    "REDSHIFT_USER": "loader",
    "REDSHIFT_PASSWORD": "secret-2",
    "HASH_SALT": "secret-3",
}
