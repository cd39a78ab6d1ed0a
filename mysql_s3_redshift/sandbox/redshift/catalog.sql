-- What Redshift has and PostgreSQL has not: types, functions, system tables and views.
-- Run once, in a new database, by the superuser rdsdb.

create schema rs;
grant usage on schema rs to public;
grant create on schema public to public;
set allow_system_table_mods = on;
create sequence rs.query_id start 1000;

-- Types -------------------------------------------------------------------------------------------

create type pg_catalog.super;
create function rs.super_in(cstring) returns super language internal immutable strict as 'jsonb_in';
create function rs.super_out(super) returns cstring language internal immutable strict as 'jsonb_out';
create function rs.super_recv(internal) returns super language internal immutable strict as 'jsonb_recv';
create function rs.super_send(super) returns bytea language internal immutable strict as 'jsonb_send';
create type pg_catalog.super (input = rs.super_in, output = rs.super_out, receive = rs.super_recv,
  send = rs.super_send, like = jsonb, storage = extended);
create cast (super as jsonb) without function;
create cast (jsonb as super) without function;

create type pg_catalog.varbyte;
create function rs.varbyte_in(cstring) returns varbyte language internal immutable strict as 'byteain';
create function rs.varbyte_out(varbyte) returns cstring language internal immutable strict as 'byteaout';
create function rs.varbyte_recv(internal) returns varbyte language internal immutable strict as 'bytearecv';
create function rs.varbyte_send(varbyte) returns bytea language internal immutable strict as 'byteasend';
create type pg_catalog.varbyte (input = rs.varbyte_in, output = rs.varbyte_out,
  receive = rs.varbyte_recv, send = rs.varbyte_send, like = bytea, storage = extended);
create cast (varbyte as bytea) without function as implicit;
create cast (bytea as varbyte) without function as assignment;
create function rs.text_to_varbyte(text) returns varbyte language sql immutable strict as
  $$select convert_to($1, 'UTF8')::varbyte$$;
create function rs.varbyte_to_text(varbyte) returns text language sql immutable strict as
  $$select convert_from($1::bytea, 'UTF8')$$;
create function rs.varbyte_to_varchar(varbyte, int, boolean) returns varchar language sql immutable
  strict as $$select convert_from($1::bytea, 'UTF8')::varchar$$;
create function rs.varchar_to_varbyte(varchar) returns varbyte language sql immutable strict as
  $$select convert_to($1, 'UTF8')::varbyte$$;
create cast (text as varbyte) with function rs.text_to_varbyte(text) as assignment;
create cast (varchar as varbyte) with function rs.varchar_to_varbyte(varchar) as assignment;
create cast (varbyte as text) with function rs.varbyte_to_text(varbyte);
create cast (varbyte as varchar) with function rs.varbyte_to_varchar(varbyte, int, boolean);

create type pg_catalog.geometry;
create function rs.geometry_in(cstring) returns geometry language internal immutable strict as 'byteain';
create function rs.geometry_out(geometry) returns cstring language internal immutable strict as 'byteaout';
create type pg_catalog.geometry (input = rs.geometry_in, output = rs.geometry_out, like = bytea,
  storage = extended);
create cast (geometry as bytea) without function;
create cast (bytea as geometry) without function;

-- Functions ---------------------------------------------------------------------------------------

create function rs.version() returns text language sql immutable as
  $$select 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0-standin'$$;
create function rs.getdate() returns timestamp language sql stable as
  $$select date_trunc('second', statement_timestamp() at time zone current_setting('TimeZone'))$$;
create function rs.dateadd(part text, n bigint, t timestamp) returns timestamp language sql immutable
  strict as $$select t + n * ('1 ' || part)::interval$$;
create function rs.datediff(part text, a timestamp, b timestamp) returns bigint language sql immutable
  strict as $$select case
    when part like 'year%' then extract(year from b) - extract(year from a)
    when part like 'mon%' then (extract(year from b) - extract(year from a)) * 12
      + extract(month from b) - extract(month from a)
    when part like 'day%' or part = 'd' then
      extract(epoch from date_trunc('day', b) - date_trunc('day', a)) / 86400
    when part like 'hour%' or part = 'h' then
      extract(epoch from date_trunc('hour', b) - date_trunc('hour', a)) / 3600
    when part like 'minute%' or part = 'm' then
      extract(epoch from date_trunc('minute', b) - date_trunc('minute', a)) / 60
    when part like 'second%' or part = 's' then
      extract(epoch from date_trunc('second', b) - date_trunc('second', a))
    when part like 'milli%' or part = 'ms' then extract(epoch from b - a) * 1000
    when part like 'micro%' or part = 'us' then extract(epoch from b - a) * 1000000
    end::bigint$$;
create function rs.last_day(t timestamp) returns date language sql immutable strict as
  $$select (date_trunc('month', t) + interval '1 month - 1 day')::date$$;
create function rs.add_months(t timestamp, n int) returns timestamp language sql immutable strict as
  $$select case when t::date = rs.last_day(t)
    then rs.last_day(t + n * interval '1 month') + t::time else t + n * interval '1 month' end$$;
create function rs.trunc(numeric) returns numeric language sql immutable strict as
  $$select pg_catalog.trunc($1)$$;
create function rs.trunc(numeric, int) returns numeric language sql immutable strict as
  $$select pg_catalog.trunc($1, $2)$$;
create function rs.trunc(double precision) returns double precision language sql immutable strict as
  $$select pg_catalog.trunc($1)$$;
create function rs.trunc(timestamp) returns date language sql immutable strict as
  $$select $1::date$$;
create function rs.convert_timezone(zone text, t timestamp) returns timestamp language sql stable
  strict as $$select t at time zone 'UTC' at time zone zone$$;
create function rs.convert_timezone(source text, zone text, t timestamp) returns timestamp
  language sql stable strict as $$select t at time zone source at time zone zone$$;
create function rs.nvl2(anyelement, anyelement, anyelement) returns anyelement language sql immutable
  as $$select case when $1 is not null then $2 else $3 end$$;
-- CONCAT takes two arguments and is NULL when one of them is (r_CONCAT); PostgreSQL's is neither.
create function rs.concat(text, text) returns text language sql immutable strict as
  $$select $1 || $2$$;

create function rs.json_parse(text) returns super language sql immutable strict as
  $$select $1::jsonb::super$$;
create function rs.json_serialize(super) returns varchar language plpgsql immutable as $$
declare result varchar := coalesce($1::jsonb::text, 'null');
begin
  if octet_length(result) > 65535 then
    raise exception 'JSON size exceeds the VARCHAR limit of 65535 bytes' using errcode = 'XX000';
  end if;
  return result;
end$$;
create function rs.json_typeof(super) returns varchar language sql immutable strict as
  $$select jsonb_typeof($1::jsonb)::varchar$$;
create function rs.can_json_parse(text) returns boolean language sql immutable strict as
  $$select pg_input_is_valid($1, 'jsonb')$$;

create function rs.to_hex(int) returns varchar language sql immutable strict as
  $$select pg_catalog.to_hex($1)::varchar$$;
create function rs.to_hex(bigint) returns varchar language sql immutable strict as
  $$select pg_catalog.to_hex($1)::varchar$$;
create function rs.to_hex(varbyte) returns varchar language sql immutable strict as
  $$select encode($1::bytea, 'hex')::varchar$$;
create function rs.from_hex(text) returns varbyte language sql immutable strict as
  $$select decode($1, 'hex')::varbyte$$;
create function rs.to_varbyte(text, text) returns varbyte language sql immutable strict as
  $$select case lower($2) when 'hex' then decode($1, 'hex') when 'base64' then decode($1, 'base64')
    when 'utf8' then convert_to($1, 'UTF8') when 'utf-8' then convert_to($1, 'UTF8') end::varbyte$$;
create function rs.from_varbyte(varbyte, text) returns varchar language sql immutable strict as
  $$select (case lower($2) when 'hex' then encode($1::bytea, 'hex')
    when 'base64' then replace(encode($1::bytea, 'base64'), e'\n', '')
    when 'utf8' then convert_from($1::bytea, 'UTF8')
    when 'utf-8' then convert_from($1::bytea, 'UTF8') end)::varchar$$;
-- An invalid number of bits gives an empty string (SHA2).
create function rs.sha2(text, int) returns varchar language sql immutable strict as
  $$select (case $2 when 0 then encode(sha256(convert_to($1, 'UTF8')), 'hex')
    when 256 then encode(sha256(convert_to($1, 'UTF8')), 'hex')
    when 224 then encode(sha224(convert_to($1, 'UTF8')), 'hex')
    when 384 then encode(sha384(convert_to($1, 'UTF8')), 'hex')
    when 512 then encode(sha512(convert_to($1, 'UTF8')), 'hex') else '' end)::varchar$$;
-- The embedded server has no pgcrypto, so SHA-1 is spelled out (FIPS 180-4, section 6.1.2).
create function rs.sha1(input text) returns varchar language plpgsql immutable strict as $$
declare
  mask constant bigint := 4294967295;
  message bytea := convert_to(input, 'UTF8');
  size int := length(message);
  h bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
  w bigint[];
  a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
begin
  message := message || '\x80'::bytea || decode(repeat('00', (119 - size % 64) % 64), 'hex')
    || int8send(size::bigint * 8);
  for block in 0 .. length(message) / 64 - 1 loop
    for i in 1 .. 16 loop
      w[i] := ('x' || encode(substring(message from block * 64 + i * 4 - 3 for 4), 'hex'))::bit(32)::bigint;
    end loop;
    for i in 17 .. 80 loop
      t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
      w[i] := ((t << 1) | (t >> 31)) & mask;
    end loop;
    a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
    for i in 1 .. 80 loop
      if i <= 20 then f := (b & c) | ((~b & mask) & d); k := 1518500249;
      elsif i <= 40 then f := b # c # d; k := 1859775393;
      elsif i <= 60 then f := (b & c) | (b & d) | (c & d); k := 2400959708;
      else f := b # c # d; k := 3395469782;
      end if;
      t := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[i]) & mask;
      e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := t;
    end loop;
    h := array[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
  end loop;
  return (select string_agg(lpad(pg_catalog.to_hex(part), 8, '0'), '' order by n)
    from unnest(h) with ordinality as parts (part, n));
end$$;
create function rs.strtol(input text, base int) returns bigint language plpgsql immutable strict as $$
declare
  digits text := lower(ltrim(input));
  negative boolean := digits like '-%';
  result numeric := 0;
  digit int;
begin
  if base not between 2 and 36 then
    raise exception 'The input base % is not valid: it must be between 2 and 36', base using errcode = '22023';
  end if;
  if digits like '-%' or digits like '+%' then digits := substr(digits, 2); end if;
  if base = 16 and digits like '0x%' then digits := substr(digits, 3); end if;
  if base = 16 and not negative and digits ~ '^[0-9a-f]{1,15}$' then
    return ('x' || lpad(digits, 16, '0'))::bit(64)::bigint;
  end if;
  for i in 1 .. length(digits) loop
    digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, i, 1)) - 1;
    if digit not between 0 and base - 1 then
      raise exception 'The input % is not valid to be converted to base %', input, base using errcode = '22023';
    end if;
    result := result * base + digit;
  end loop;
  result := case when negative then -result else result end;
  if result not between -9223372036854775808 and 9223372036854775807 then
    raise exception 'The input % is out of the range of BIGINT', input using errcode = '22003';
  end if;
  return result::bigint;
end$$;

-- GEOMETRY: the EWKB bytes are kept as they came; what they describe is checked, not computed with.

create function rs.wkb_int(wkb bytea, at int) returns bigint language sql immutable strict as
  $$select get_byte(wkb, at) + (get_byte(wkb, at + 1)::bigint << 8)
    + (get_byte(wkb, at + 2)::bigint << 16) + (get_byte(wkb, at + 3)::bigint << 24)$$;
-- Returns the position after the geometry that starts at `at`.
create function rs.wkb_end(wkb bytea, at int) returns int language plpgsql immutable strict as $$
declare
  flags bigint := rs.wkb_int(wkb, at + 1);
  kind int := (flags & 268435455) % 1000;
  dimension int := (flags & 268435455) / 1000;
  size int := 16 + 8 * (case when flags & 2147483648 > 0 then 1 else 0 end)
    + 8 * (case when flags & 1073741824 > 0 then 1 else 0 end) + case dimension when 0 then 0 when 3 then 16 else 8 end;
  pos int := at + 5 + case when flags & 536870912 > 0 then 4 else 0 end;
begin
  if get_byte(wkb, at) <> 1 or kind not between 1 and 7 or dimension > 3 then
    raise exception 'Unknown geometry' using errcode = '22023';
  end if;
  if kind = 1 then return pos + size; end if;
  if kind = 2 then return pos + 4 + (rs.wkb_int(wkb, pos) * size)::int; end if;
  for i in 1 .. rs.wkb_int(wkb, pos) loop
    if i = 1 then pos := pos + 4; end if;
    if kind = 3 then pos := pos + 4 + (rs.wkb_int(wkb, pos) * size)::int;
    else pos := rs.wkb_end(wkb, pos);
    end if;
  end loop;
  return case when rs.wkb_int(wkb, at + 5 + case when flags & 536870912 > 0 then 4 else 0 end) = 0 then pos + 4 else pos end;
end$$;
create function rs.checked_wkb(input text) returns bytea language plpgsql immutable strict as $$
declare wkb bytea;
begin
  begin
    wkb := decode(input, 'hex');
    if get_byte(wkb, 0) = 0 then
      raise exception 'big-endian WKB is not offered by the local Redshift stand-in' using errcode = '0A000';
    end if;
    if rs.wkb_end(wkb, 0) = length(wkb) then return wkb; end if;
  exception
    when feature_not_supported then raise;
    when others then null;
  end;
  raise exception 'Invalid WKB' using errcode = '22023';
end$$;
create function rs.st_geomfromewkb(text) returns geometry language sql immutable strict as
  $$select rs.checked_wkb($1)::geometry$$;
create function rs.without_srid(wkb bytea) returns bytea language sql immutable strict as
  $$select case when get_byte(wkb, 4) & 32 > 0
    then set_byte(substring(wkb for 5), 4, get_byte(wkb, 4) & 223) || substring(wkb from 10) else wkb end$$;
create function rs.st_geomfromwkb(text) returns geometry language sql immutable strict as
  $$select rs.without_srid(rs.checked_wkb($1))::geometry$$;
create function rs.st_geomfromwkb(text, int) returns geometry language plpgsql immutable strict as $$
declare wkb bytea := rs.without_srid(rs.checked_wkb($1)); srid bytea := int4send($2);
begin
  if $2 < 0 then return null; end if;
  if $2 = 0 then return wkb::geometry; end if;
  return (set_byte(substring(wkb for 5), 4, get_byte(wkb, 4) | 32)
    || substring(srid from 4 for 1) || substring(srid from 3 for 1) || substring(srid from 2 for 1)
    || substring(srid from 1 for 1) || substring(wkb from 6))::geometry;
end$$;
create function rs.st_asewkb(geometry) returns varbyte language sql immutable strict as
  $$select $1::bytea::varbyte$$;
create function rs.st_asbinary(geometry) returns varbyte language sql immutable strict as
  $$select rs.without_srid($1::bytea)::varbyte$$;
create function rs.st_ashexewkb(geometry) returns varchar language sql immutable strict as
  $$select upper(encode($1::bytea, 'hex'))::varchar$$;
create function rs.st_ashexwkb(geometry) returns varchar language sql immutable strict as
  $$select upper(encode(rs.without_srid($1::bytea), 'hex'))::varchar$$;
create function rs.st_srid(geometry) returns int language sql immutable strict as
  $$select case when get_byte($1::bytea, 4) & 32 > 0 then rs.wkb_int($1::bytea, 5)::int else 0 end$$;

-- Session state set by the stand-in after a COPY.
create function rs.last_copy_count() returns bigint language sql volatile as
  $$select coalesce(nullif(current_setting('rs.last_copy_count', true), ''), '0')::bigint$$;
create function rs.last_copy_id() returns int language sql volatile as
  $$select coalesce(nullif(current_setting('rs.last_copy_id', true), ''), '-1')::int$$;
create function rs.last_query_id() returns int language sql volatile as
  $$select coalesce(nullif(current_setting('rs.last_query_id', true), ''), '-1')::int$$;

-- What PostgreSQL has no place for ----------------------------------------------------------------

create table rs.long_name (short text primary key, full_name text not null);
create table rs.login (username text primary key, password text not null);
create table rs.table_attribute (relid oid primary key, diststyle text, created timestamp default now());
create table rs.column_attribute (relid oid, attnum int, encoding text, distkey boolean not null default false,
  sortkey int not null default 0, primary_key boolean not null default false,
  unique_key boolean not null default false, primary key (relid, attnum));

create function rs.full_name(name) returns varchar language sql stable security definer as
  $$select coalesce((select full_name from rs.long_name where short = $1::text), $1::text)::varchar$$;
create function rs.set_password(text, text) returns void language sql security definer as
  $$insert into rs.login values ($1, $2) on conflict (username) do update set password = $2$$;
create function rs.set_attributes(text, text) returns void language plpgsql security definer as $$
declare relation oid := $1::regclass; facts jsonb := $2::jsonb;
begin
  insert into rs.table_attribute (relid, diststyle) values (relation, facts ->> 'diststyle') on conflict do nothing;
  if found then
    insert into rs.column_attribute
      select relation, attnum, facts #>> array['encoding', attname::text], coalesce(facts ->> 'distkey' = attname, false),
        coalesce((select position::int from jsonb_array_elements_text(facts -> 'sortkey')
          with ordinality keys (key, position) where key = attname), 0),
        facts -> 'primary_key' ? attname::text, facts -> 'unique' ? attname::text
      from pg_attribute where attrelid = relation and attnum > 0;
  end if;
end$$;
create function rs.copy_attributes(text, text) returns void language plpgsql security definer as $$
begin
  insert into rs.table_attribute (relid, diststyle)
    select $1::regclass, diststyle from rs.table_attribute where relid = $2::regclass on conflict do nothing;
  insert into rs.column_attribute
    select $1::regclass, new.attnum, encoding, distkey, sortkey, false, false
    from rs.column_attribute x join pg_attribute old on old.attrelid = relid and old.attnum = x.attnum
      join pg_attribute new on new.attrelid = $1::regclass and new.attname = old.attname
    where relid = $2::regclass on conflict do nothing;
end$$;
create function rs.set_encoding(text, text, text) returns void language sql security definer as
  $$insert into rs.column_attribute (relid, attnum, encoding) select attrelid, attnum, $3 from pg_attribute
    where attrelid = $1::regclass and attname = $2 on conflict (relid, attnum) do update set encoding = $3$$;
-- The CHECK that counts bytes is named after its column, so it has to be renamed with it.
create function rs.rename_length_check(relation text, old text, new text) returns void language plpgsql as $$
begin
  if exists (select from pg_constraint where conrelid = relation::regclass
      and conname = 'rsb_' || left(md5(old), 24)) then
    execute format('alter table %s rename constraint %I to %I', relation,
      'rsb_' || left(md5(old), 24), 'rsb_' || left(md5(new), 24));
  end if;
end$$;

-- System tables, written by the stand-in on its own connection: they survive a rollback -----------

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

-- Views -------------------------------------------------------------------------------------------

create view rs.all_columns as
 select n.nspname, c.relname, c.oid relid, c.relkind, a.attname, a.attnum, a.attnotnull, t.typname,
  row_number() over (partition by c.oid order by a.attnum) ordinal,
  case t.typname when 'int2' then 'smallint' when 'int4' then 'integer' when 'int8' then 'bigint'
   when 'varchar' then 'character varying' when 'bpchar' then 'character'
   when 'timestamp' then 'timestamp without time zone' when 'timestamptz' then 'timestamp with time zone'
   when 'time' then 'time without time zone' when 'timetz' then 'time with time zone'
   when 'float8' then 'double precision' when 'float4' then 'real' when 'bool' then 'boolean'
   when 'varbyte' then 'binary varying' else t.typname end base,
  pg_get_expr(d.adbin, d.adrelid) default_value, x.encoding, coalesce(x.distkey, false) distkey,
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
