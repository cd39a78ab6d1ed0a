-- System tables, written by the stand-in on its own connection: they survive a rollback.

create table pg_catalog.stl_load_errors (userid int, slice int, tbl int, starttime timestamp, session int,
  query int, filename char(256), line_number bigint, colname char(127), type char(10), col_length char(10),
  position int, raw_line char(1024), raw_field_value char(1024), err_code int, err_reason char(100),
  is_partial int, start_offset bigint);
create table pg_catalog.stl_error (userid int, process char(12), recordtime timestamp, pid int, errcode int,
  file char(90), linenum int, context char(100), error char(512));
create table pg_catalog.svl_s3log (pid int, query int, segment int, step int, node int, slice int,
  eventtime timestamp, message char(512));
create table pg_catalog.stl_load_commits (userid int, query int, slice int, name char(256), filename char(256),
  byte_offset int, lines_scanned int, errors int, curtime timestamp, status int, file_format char(16));
create table pg_catalog.stl_tr_conflict (xact_id bigint, process_id int, xact_start_ts timestamp,
  abort_time timestamp, table_id int);
create table pg_catalog.sys_load_error_detail (user_id int, query_id bigint, transaction_id bigint,
  session_id int, database_name char(64), table_id int, start_time timestamp, file_name char(256),
  line_number bigint, column_name char(127), column_type char(10), column_length char(10), position int,
  error_code int, error_message char(512));
create table pg_catalog.sys_load_history (user_id int, query_id bigint, transaction_id bigint, session_id int,
  database_name text, table_name text, data_source text, file_format text, start_time timestamp,
  end_time timestamp, duration bigint, status text, loaded_rows bigint, loaded_bytes bigint,
  source_file_count int, source_file_bytes bigint, error_count bigint);
