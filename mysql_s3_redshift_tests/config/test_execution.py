"""Section `execution` and `max_connections`."""

import pytest

from mysql_s3_redshift.config import ExecutorName, InvalidConfigError
from mysql_s3_redshift_tests.config.documents import document, loaded, with_value


def test_steps_run_in_the_process_of_the_run_where_the_file_says_nothing(tmp_path):
    assert loaded(tmp_path, document()).execution.executor is ExecutorName.IN_PROCESS


def test_the_settings_of_an_executor_are_kept_as_they_are(tmp_path):
    settings = {"broker": {"env": "BROKER"}, "config_source": {"task_acks_late": True, "n": [1]}}
    written = document(execution={"executor": "celery", "config": settings})
    execution = loaded(tmp_path, written).execution
    assert (execution.executor, execution.config) == (ExecutorName.CELERY, settings)


@pytest.mark.parametrize(
    ("execution", "told"),
    [
        ({"executor": "cellery"}, "did you mean `celery`"),
        ({"executer": "celery"}, "did you mean `executor`"),
        ({"config": {"a": [{"b": "redis://${PASSWORD}@h"}]}}, "`{env: NAME}`"),
        ("celery", "must be a section of names"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(tmp_path, execution, told):
    with pytest.raises(InvalidConfigError) as error:
        loaded(tmp_path, document(execution=execution))
    assert told.lower() in str(error.value).lower()


def test_the_connections_of_a_source_are_counted_without_its_secrets(tmp_path):
    """A sensor sets the limits of pools on machines that do not know every password."""
    start = with_value(("sources", "main", "max_connections"), "${MOST}")
    start = with_value(("sources", "main", "password"), "${NOT_HERE}", start=start)
    config = loaded(tmp_path, start, environ={"MOST": "7"})
    assert config.max_connections("sources", "main") == 7
    assert config.max_connections("targets", "warehouse") is None
