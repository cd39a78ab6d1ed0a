-- Functions that PostgreSQL lacks or gives another meaning.
-- Clients switch standard_conforming_strings off, so bodies here must not hold plain backslashes.

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
create function rs.nvl2(anyelement, anycompatible, anycompatible) returns anycompatible language sql immutable
  as $$select case when $1 is not null then $2 else $3 end$$;
-- CONCAT takes two arguments and is NULL when one of them is (r_CONCAT); PostgreSQL's is neither.
create function rs.concat(text, text) returns text language sql immutable strict as
  $$select $1 || $2$$;

-- The order of keys stays, blanks between tokens go.
create function rs.json_parse(text) returns super language sql immutable strict as
  $$select regexp_replace($1::json::text, e'("(?:\\\\.|[^"\\\\])*")|\\s+', e'\\1', 'g')::json::super$$;
create function rs.json_serialize(super) returns varchar language plpgsql immutable as $$
declare result varchar := coalesce($1::json::text, 'null');
begin
  if octet_length(result) > 65535 then
    raise exception 'JSON size exceeds the VARCHAR limit of 65535 bytes' using errcode = 'XX000';
  end if;
  return result;
end$$;
create function rs.json_typeof(super) returns varchar language sql immutable strict as
  $$select pg_catalog.json_typeof($1::json)::varchar$$;
create function rs.can_json_parse(text) returns boolean language sql immutable strict as
  $$select pg_input_is_valid($1, 'json')$$;

create function rs.is_valid_json(text) returns boolean language sql immutable strict as
  $$select pg_input_is_valid($1, 'json')$$;
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
create function rs.from_varbyte(varbyte, text) returns varchar language plpgsql immutable strict as $$
declare
  result varchar := case lower($2) when 'hex' then encode($1::bytea, 'hex')
    when 'base64' then replace(encode($1::bytea, 'base64'), e'\n', '')
    when 'utf8' then convert_from($1::bytea, 'UTF8')
    when 'utf-8' then convert_from($1::bytea, 'UTF8') end;
begin
  if octet_length(result) > 65535 then
    raise exception 'Value too long for type character varying(65535)' using errcode = '22001';
  end if;
  return result;
end$$;
-- SUBSTRING of a VARBYTE is one (r_SUBSTRING, "VARBYTE operators and functions").
create function pg_catalog.substring(varbyte, int, int) returns varbyte language sql immutable strict
  as $$select pg_catalog.substring($1::bytea, $2, $3)::varbyte$$;
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
  message := message || decode('80', 'hex') || decode(repeat('00', (119 - size % 64) % 64), 'hex')
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
create function rs.sha(text) returns varchar language sql immutable strict as 'select rs.sha1($1)';
create function rs.func_sha1(text) returns varchar language sql immutable strict as
  'select rs.sha1($1)';
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
