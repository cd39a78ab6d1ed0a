"""`pipelines.yaml`: its sections, its checks, and the plans it makes.

`load` reads the file; `Config` gives out connections and plans; `select` finds the tables that a
command means. Nothing here knows boto3 or Dagster, and nothing else reads YAML.
"""

from mysql_s3_redshift.config.config import Config, json_schema
from mysql_s3_redshift.config.connections import (
    SourceConfig,
    SshConfig,
    SslMode,
    StorageConfig,
    TargetConfig,
    TlsConfig,
    TlsMode,
)
from mysql_s3_redshift.config.durations import format_duration, parse_duration
from mysql_s3_redshift.config.execution import ExecutionConfig, ExecutorName
from mysql_s3_redshift.config.loader import load
from mysql_s3_redshift.config.pipelines import (
    AlertConfig,
    AlertedChecks,
    ChecksConfig,
    PipelineConfig,
    ProcessingConfig,
    ProcessingStrategy,
    SyncConfig,
)
from mysql_s3_redshift.config.problems import InvalidConfigError
from mysql_s3_redshift.config.selection import select
from mysql_s3_redshift.config.table_names import split_table_name, step_name
from mysql_s3_redshift.config.tables import ColumnOptions, PartitionConfig, TableOptions
from mysql_s3_redshift.config.variables import SecretReader

__all__ = [
    "AlertConfig",
    "AlertedChecks",
    "ChecksConfig",
    "ColumnOptions",
    "Config",
    "ExecutionConfig",
    "ExecutorName",
    "InvalidConfigError",
    "PartitionConfig",
    "PipelineConfig",
    "ProcessingConfig",
    "ProcessingStrategy",
    "SecretReader",
    "SourceConfig",
    "SshConfig",
    "SslMode",
    "StorageConfig",
    "SyncConfig",
    "TableOptions",
    "TargetConfig",
    "TlsConfig",
    "TlsMode",
    "format_duration",
    "json_schema",
    "load",
    "parse_duration",
    "select",
    "split_table_name",
    "step_name",
]
