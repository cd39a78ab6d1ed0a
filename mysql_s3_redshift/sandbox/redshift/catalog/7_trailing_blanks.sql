-- Trailing blanks mean nothing where two VARCHARs are compared, grouped or sorted ("Significance of
-- trailing blanks", r_Character_types). PostgreSQL compares CHAR so, and stores both alike: its own
-- functions for CHAR become the operators of VARCHAR.

create function rs.varchar_eq(varchar, varchar) returns boolean language internal immutable strict
  parallel safe as 'bpchareq';
create function rs.varchar_ne(varchar, varchar) returns boolean language internal immutable strict
  parallel safe as 'bpcharne';
create function rs.varchar_lt(varchar, varchar) returns boolean language internal immutable strict
  parallel safe as 'bpcharlt';
create function rs.varchar_le(varchar, varchar) returns boolean language internal immutable strict
  parallel safe as 'bpcharle';
create function rs.varchar_gt(varchar, varchar) returns boolean language internal immutable strict
  parallel safe as 'bpchargt';
create function rs.varchar_ge(varchar, varchar) returns boolean language internal immutable strict
  parallel safe as 'bpcharge';
create function rs.varchar_cmp(varchar, varchar) returns int language internal immutable strict
  parallel safe as 'bpcharcmp';
create function rs.varchar_hash(varchar) returns int language internal immutable strict
  parallel safe as 'hashbpchar';

create operator pg_catalog.= (function = rs.varchar_eq, leftarg = varchar, rightarg = varchar,
  commutator = operator(pg_catalog.=), negator = operator(pg_catalog.<>), restrict = eqsel,
  join = eqjoinsel, hashes, merges);
create operator pg_catalog.<> (function = rs.varchar_ne, leftarg = varchar, rightarg = varchar,
  commutator = operator(pg_catalog.<>), negator = operator(pg_catalog.=), restrict = neqsel,
  join = neqjoinsel);
create operator pg_catalog.< (function = rs.varchar_lt, leftarg = varchar, rightarg = varchar,
  commutator = operator(pg_catalog.>), negator = operator(pg_catalog.>=),
  restrict = scalarltsel, join = scalarltjoinsel);
create operator pg_catalog.<= (function = rs.varchar_le, leftarg = varchar, rightarg = varchar,
  commutator = operator(pg_catalog.>=), negator = operator(pg_catalog.>),
  restrict = scalarlesel, join = scalarlejoinsel);
create operator pg_catalog.> (function = rs.varchar_gt, leftarg = varchar, rightarg = varchar,
  commutator = operator(pg_catalog.<), negator = operator(pg_catalog.<=),
  restrict = scalargtsel, join = scalargtjoinsel);
create operator pg_catalog.>= (function = rs.varchar_ge, leftarg = varchar, rightarg = varchar,
  commutator = operator(pg_catalog.<=), negator = operator(pg_catalog.<),
  restrict = scalargesel, join = scalargejoinsel);

create operator family pg_catalog.varchar_blanks using btree;
create operator class pg_catalog.varchar_blanks default for type varchar using btree
  family pg_catalog.varchar_blanks as
  operator 1 pg_catalog.<, operator 2 pg_catalog.<=, operator 3 pg_catalog.=,
  operator 4 pg_catalog.>=, operator 5 pg_catalog.>,
  function 1 rs.varchar_cmp(varchar, varchar);
create operator family pg_catalog.varchar_blanks using hash;
create operator class pg_catalog.varchar_blanks default for type varchar using hash
  family pg_catalog.varchar_blanks as
  operator 1 pg_catalog.=, function 1 rs.varchar_hash(varchar);
