-- Types that PostgreSQL lacks. Each has an OID of its own, which the proxy shows as Redshift's.

create schema rs;
grant usage on schema rs to public;
grant create on schema public to public;
set allow_system_table_mods = on;
create sequence rs.query_id start 1000;

create type pg_catalog.super;
create function rs.super_in(cstring) returns super language internal immutable strict as 'json_in';
create function rs.super_out(super) returns cstring language internal immutable strict as 'json_out';
create function rs.super_recv(internal) returns super language internal immutable strict as 'json_recv';
create function rs.super_send(super) returns bytea language internal immutable strict as 'json_send';
create type pg_catalog.super (input = rs.super_in, output = rs.super_out, receive = rs.super_recv,
  send = rs.super_send, like = json, storage = extended);
create cast (super as json) without function;
create cast (json as super) without function;

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
