-- What DDL and sessions said and PostgreSQL has no place for.

create table rs.long_name (short text primary key, full_name text not null);
create table rs.login (username text primary key, password text not null);
create table rs.table_attribute (relid oid primary key, diststyle text, created timestamp default now());
create table rs.column_attribute (relid oid, attnum int, encoding text, distkey boolean not null default false,
  sortkey int not null default 0, primary_key boolean not null default false,
  unique_key boolean not null default false, primary key (relid, attnum));

create function rs.full_name(name) returns varchar language sql stable security definer as
  $$select coalesce((select full_name from rs.long_name where short = $1::text),
    nullif(current_setting('rs.new_names', true), '')::json ->> $1::text, $1::text)::varchar$$;
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

-- Session state set by the stand-in after a COPY.
create function rs.pg_last_copy_count() returns bigint language sql volatile as
  $$select coalesce(nullif(current_setting('rs.last_copy_count', true), ''), '0')::bigint$$;
create function rs.pg_last_copy_id() returns int language sql volatile as
  $$select coalesce(nullif(current_setting('rs.last_copy_id', true), ''), '-1')::int$$;
create function rs.pg_last_query_id() returns int language sql volatile as
  $$select coalesce(nullif(current_setting('rs.last_query_id', true), ''), '-1')::int$$;
