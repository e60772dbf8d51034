-- The local durable record: events by number, seconds of readings by region. Append-only.
create table event (
    seq     integer primary key,
    at_ns   integer not null,
    kind    text not null,
    subject text,
    body    text not null
) strict;
create index event_kind_subject on event (kind, subject);
create index event_at on event (at_ns);

-- A null measure is one that was not a number.
create table reading (
    id                  integer primary key,
    second              integer not null,
    roi                 text not null,
    displacement_pp_px  real,
    displacement_rms_px real,
    velocity_rms_mm_s   real,
    peak_hz             real,
    peak_amplitude_px   real,
    uncertainty_px      real,
    grade               text not null,
    unique (roi, second)
) strict;

-- Kept beside the rows, so that a start need not count them. `commits` makes every commit write.
create table tally (
    one      integer primary key check (one = 1),
    events   integer not null,
    commits  integer not null,
    base_seq integer not null
) strict;
insert into tally (one, events, commits, base_seq) values (1, 0, 0, 0);

create trigger event_stays before delete on event begin
    select raise(abort, 'the journal is append-only');
end;
create trigger event_as_written before update on event begin
    select raise(abort, 'the journal is append-only');
end;
