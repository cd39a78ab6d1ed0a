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
