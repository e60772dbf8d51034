-- Every event carries the hash of the one before; seconds of all regions stand in one row; roll-ups per minute and hour;
-- waveforms around events; what was sent on. The program fills in the hashes and moves the seconds of older files.

-- SHA-256 over the hash before and the event as written. Null only in files of schema 1, until they are opened.
alter table event add column hash blob;

drop trigger event_as_written;
create trigger event_as_written before update on event
when old.hash is not null or new.hash is null or new.seq is not old.seq or new.at_ns is not old.at_ns
    or new.kind is not old.kind or new.subject is not old.subject or new.body is not old.body
begin
    select raise(abort, 'the journal is append-only');
end;

-- One row, beside `tally`: who this journal is and where its chain begins.
-- `removed_seq`, `removed_hash`: the newest event that was removed because it was old enough; 0 and zeros at first.
create table chain (
    one          integer primary key check (one = 1),
    journal      text not null,
    removed_seq  integer not null default 0,
    removed_hash blob not null
) strict;
insert into chain (one, journal, removed_hash) values (1, lower(hex(randomblob(8))), zeroblob(32));

-- Only from the beginning, and only after `removed_seq` says so.
drop trigger event_stays;
create trigger event_stays before delete on event
when old.seq > (select removed_seq from chain)
begin
    select raise(abort, 'the journal is append-only');
end;

create table region (
    id   integer primary key,
    name text not null unique
) strict;

-- All regions' readings of one second, packed (src/journal/packed.rs).
create table second (
    id      integer primary key autoincrement,
    at      integer not null,
    regions blob not null
) strict;
create index second_at on second (at);

create table series (
    id   integer primary key,
    name text not null unique,
    unit text not null
) strict;

-- Append-only: a minute that was interrupted or lived through twice has more than one row.
create table minute (
    id     integer primary key autoincrement,
    series integer not null,
    at     integer not null,
    known  integer not null,
    mean   real not null,
    least  real not null,
    most   real not null
) strict;
create index minute_series_at on minute (series, at);
create index minute_at on minute (at);

create table hour (
    series integer not null,
    at     integer not null,
    known  integer not null,
    mean   real not null,
    least  real not null,
    most   real not null,
    primary key (series, at)
) strict, without rowid;

create table waveform (
    id    integer primary key autoincrement,
    event integer not null,
    at_ns integer not null,
    roi   text not null,
    data  blob not null
) strict;
create index waveform_event on waveform (event);

-- How far each kind of rows has reached PostgreSQL, as last heard: retention keeps what has not.
create table sent (
    stream   text primary key,
    position integer not null
) strict, without rowid;

-- Events that were removed because they were old enough.
alter table tally add column removed integer not null default 0;

-- Its rows are packed into `second` when the file is opened.
alter table reading rename to reading_1;
