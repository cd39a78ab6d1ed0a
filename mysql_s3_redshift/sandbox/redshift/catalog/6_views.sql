-- System views, with the full names of long identifiers.

create view rs.all_columns as
 select n.nspname, c.relname, c.oid relid, c.relkind, a.attname, a.attnum, a.attnotnull, t.typname,
  row_number() over (partition by c.oid order by a.attnum) ordinal,
  case t.typname when 'int2' then 'smallint' when 'int4' then 'integer' when 'int8' then 'bigint'
   when 'varchar' then 'character varying' when 'bpchar' then 'character'
   when 'timestamp' then 'timestamp without time zone' when 'timestamptz' then 'timestamp with time zone'
   when 'time' then 'time without time zone' when 'timetz' then 'time with time zone'
   when 'float8' then 'double precision' when 'float4' then 'real' when 'bool' then 'boolean'
   when 'varbyte' then 'binary varying' else t.typname end base,
  coalesce(pg_get_expr(d.adbin, d.adrelid), (select format('"identity"(%s, %s, ''%s,%s''::text)', c.oid, a.attnum - 1,
   s.seqstart, s.seqincrement) from pg_depend p join pg_sequence s on s.seqrelid = p.objid
   where p.refobjid = c.oid and p.refobjsubid = a.attnum and p.deptype = 'i')) default_value, x.encoding, coalesce(x.distkey, false) distkey,
  coalesce(x.sortkey, 0) sortkey, col_description(c.oid, a.attnum) remarks,
  case when t.typname in ('varchar', 'bpchar') then a.atttypmod - 4
   when t.typname = 'varbyte' then (select substring(pg_get_constraintdef(k.oid) from '<= (\d+)')::int
     from pg_constraint k where k.conrelid = c.oid and k.conkey = array[a.attnum] and k.conname like 'rsb\_%') end length,
  case t.typname when 'numeric' then (a.atttypmod - 4) >> 16 when 'int2' then 16 when 'int4' then 32
   when 'int8' then 64 end numeric_precision,
  case t.typname when 'numeric' then (a.atttypmod - 4) & 65535 when 'int2' then 0 when 'int4' then 0
   when 'int8' then 0 end numeric_scale
 from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_type t on t.oid = a.atttypid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  left join rs.column_attribute x on x.relid = c.oid and x.attnum = a.attnum
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v')
  and n.nspname not in ('pg_catalog', 'information_schema', 'rs', 'pg_toast');
create view rs.columns as
 select rs.full_name(nspname) schema_name, rs.full_name(relname) table_name, rs.full_name(attname) column_name,
  case when length is not null then base || '(' || length || ')'
   when typname = 'numeric' then 'numeric(' || numeric_precision || ',' || numeric_scale || ')'
   else base end::varchar full_type, a.*
 from rs.all_columns a
 where has_schema_privilege(nspname, 'usage') and has_any_column_privilege(relid, 'select, insert, update');
create view rs.tables as
 select rs.full_name(n.nspname) schema_name, rs.full_name(c.relname) table_name, n.nspname, c.oid relid, c.relkind,
  c.relpersistence, obj_description(c.oid, 'pg_class') remarks
 from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'v') and n.nspname not in ('pg_catalog', 'information_schema', 'rs', 'pg_toast')
  and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select, insert, update, delete');

create view pg_catalog.pg_table_def as
 select schema_name schemaname, table_name tablename, column_name "column", full_type "type",
  coalesce(encoding, 'none')::varchar encoding, distkey, sortkey, attnotnull "notnull"
 from rs.columns where nspname = any (current_schemas(true)) and relkind = 'r';
create view pg_catalog.svv_columns as
 select current_database()::varchar table_catalog, schema_name table_schema, table_name, column_name,
  ordinal::int ordinal_position, default_value::varchar column_default,
  case when attnotnull then 'NO' else 'YES' end::varchar is_nullable, base::varchar data_type,
  length character_maximum_length, numeric_precision, numeric_scale, remarks::varchar remarks
 from rs.columns;
create view pg_catalog.svv_redshift_columns as
 select current_database()::varchar database_name, schema_name, table_name, column_name,
  ordinal::int ordinal_position, full_type data_type, default_value::varchar column_default,
  case when attnotnull then 'NO' else 'YES' end::varchar is_nullable,
  coalesce(encoding, 'none')::varchar encoding, distkey, sortkey, null::varchar column_acl, remarks::varchar remarks
 from rs.columns;
create view pg_catalog.svv_all_columns as
 select database_name, schema_name, table_name, column_name, ordinal_position, column_default, is_nullable,
  data_type, null::int character_maximum_length, null::int numeric_precision, null::int numeric_scale, remarks
 from pg_catalog.svv_redshift_columns;
create view pg_catalog.svv_tables as
 select current_database()::varchar table_catalog, schema_name table_schema, table_name,
  case relkind when 'v' then 'VIEW' else 'BASE TABLE' end::varchar table_type, remarks::varchar remarks
 from rs.tables;
create view pg_catalog.svv_table_info as
 select current_database()::text "database", schema_name::text "schema", t.relid table_id, table_name::text "table",
  'Y'::text encoded,
  case x.diststyle when 'KEY' then 'KEY(' || (select column_name from rs.columns c where c.relid = t.relid and distkey) || ')'
   else coalesce(x.diststyle, 'AUTO(ALL)') end::text diststyle,
  coalesce((select column_name from rs.columns c where c.relid = t.relid and sortkey = 1), 'AUTO(SORTKEY)')::text sortkey1,
  (select max(length) from rs.columns c where c.relid = t.relid and typname = 'varchar') max_varchar,
  (select count(*) from rs.columns c where c.relid = t.relid and sortkey > 0)::int sortkey_num,
  (pg_total_relation_size(t.relid) / 1048576 + 1)::bigint size, 0::numeric(10,4) pct_used, 0::numeric(5,2) unsorted,
  0::numeric(5,2) stats_off, pg_stat_get_live_tuples(t.relid)::numeric(38,0) tbl_rows,
  pg_stat_get_live_tuples(t.relid)::numeric(38,0) estimated_visible_rows, x.created create_time
 from rs.tables t left join rs.table_attribute x on x.relid = t.relid
 where relkind = 'r' and pg_relation_size(t.relid) > 0;
create view pg_catalog.svv_transactions as
 select usename::text txn_owner, current_database()::text txn_db, a.backend_xid::text::bigint xid, l.pid,
  a.xact_start txn_start, l.mode lock_mode, l.locktype lockable_object_type, l.relation, l.granted
 from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.locktype in ('relation', 'transactionid');
create view pg_catalog.stv_db_isolation_level as
 select current_database()::char(128) db_name, case current_setting('default_transaction_isolation')
  when 'serializable' then 'Serializable' else 'Snapshot Isolation' end::char(20) isolation_level;
create view rs.information_schema_columns as
 select table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable,
  data_type, character_maximum_length, numeric_precision, numeric_scale from pg_catalog.svv_columns;
create view rs.information_schema_tables as
 select table_catalog, table_schema, table_name, table_type from pg_catalog.svv_tables;
create view rs.information_schema_schemata as
 select current_database()::varchar catalog_name, rs.full_name(nspname) schema_name, usename::varchar schema_owner
 from pg_namespace join pg_user on usesysid = nspowner where nspname <> 'rs' and nspname not like 'pg\_t%';

grant select on pg_catalog.stl_load_errors, pg_catalog.stl_error, pg_catalog.svl_s3log, pg_catalog.stl_load_commits,
  pg_catalog.stl_tr_conflict, pg_catalog.sys_load_error_detail, pg_catalog.sys_load_history,
  pg_catalog.pg_table_def, pg_catalog.svv_columns, pg_catalog.svv_redshift_columns, pg_catalog.svv_all_columns,
  pg_catalog.svv_tables, pg_catalog.svv_table_info, pg_catalog.svv_transactions, pg_catalog.stv_db_isolation_level,
  rs.information_schema_columns, rs.information_schema_tables, rs.information_schema_schemata to public;
