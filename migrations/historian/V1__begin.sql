-- The history of every node, in the schema `vms`. docs/schema.md explains it, with examples.
--
-- Every key begins with the node, so that many nodes share one server. Tables of facts are partitioned by time (UTC):
-- `reading` by day, the others by month; partitions are made when the first row for them comes, and dropped when they are
-- old enough. Facts come in the order of their source and are never changed.

create table node (
    id               smallint generated always as identity primary key,
    site             text not null,
    node             text not null,
    first_seen       timestamptz not null default now(),
    last_seen        timestamptz not null default now(),
    version          text,
    engine_state     text,
    worst_alarm      text,
    worst_priority   text,
    alarms           int,
    unacknowledged   int,
    cameras_live     int,
    cameras          int,
    plcs_live        int,
    plcs             int,
    queued           bigint,
    keep_seconds_s   bigint,
    keep_minutes_s   bigint,
    keep_waveforms_s bigint,
    keep_events_s    bigint,
    unique (site, node)
);

-- How far each journal of each node has come: advanced in the same transaction as the rows, which makes them come once.
create table forwarded (
    node_id  smallint not null references node,
    journal  text not null,
    stream   text not null,
    position bigint not null default 0,
    hash     bytea,
    rows     bigint not null default 0,
    at       timestamptz not null default now(),
    primary key (node_id, journal, stream)
);

create table event (
    node_id smallint not null,
    journal text not null,
    seq     bigint not null,
    at      timestamptz not null,
    kind    text not null,
    subject text,
    body    jsonb not null,
    hash    bytea not null,
    primary key (node_id, journal, seq, at)
) partition by range (at);
create index event_node_at on event (node_id, at);
create index event_kind_at on event (kind, at);

-- What the database could not take as it was: kept as text, with the reason.
create table rejected (
    node_id  smallint not null,
    journal  text not null,
    stream   text not null,
    position bigint not null,
    at       timestamptz not null default now(),
    why      text not null,
    raw      text not null,
    primary key (node_id, journal, stream, position)
);

create table region (
    id      int generated always as identity primary key,
    node_id smallint not null references node,
    name    text not null,
    unique (node_id, name)
);

-- One row a second and region. Its rows lie in the order of time, so that a small BRIN finds an hour of a day quickly.
-- `grade`: 3 good, 2 reduced, 1 poor, 0 untrusted.
create table reading (
    at                  timestamptz not null,
    region_id           int not null,
    node_id             smallint not null,
    grade               smallint not null,
    displacement_pp_px  real,
    displacement_rms_px real,
    velocity_rms_mm_s   real,
    peak_hz             real,
    peak_amplitude_px   real,
    uncertainty_px      real
) partition by range (at);
create index reading_at on reading using brin (at) with (pages_per_range = 32);

create table series (
    id      int generated always as identity primary key,
    node_id smallint not null references node,
    name    text not null,
    unit    text not null,
    unique (node_id, name)
);

create table minute (
    at        timestamptz not null,
    series_id int not null,
    node_id   smallint not null,
    known     int not null,
    mean      double precision not null,
    least     double precision not null,
    most      double precision not null
) partition by range (at);
create index minute_series_at on minute (series_id, at);

-- Made from the minutes as they come.
create table hour (
    node_id   smallint not null,
    series_id int not null,
    at        timestamptz not null,
    known     int not null,
    mean      double precision not null,
    least     double precision not null,
    most      double precision not null,
    primary key (series_id, at)
);

create table waveform (
    node_id  smallint not null,
    journal  text not null,
    event    bigint not null,
    at       timestamptz not null,
    region   text not null,
    t_s      real[] not null,
    dx_px    real[] not null,
    dy_px    real[] not null,
    sigma_px real[] not null
) partition by range (at);
create index waveform_event on waveform (node_id, journal, event);

-- Sizes of the tables, once an hour, for growth and forecast.
create table size_history (
    at       timestamptz not null,
    relation text not null,
    bytes    bigint not null,
    primary key (relation, at)
);

-- For people: names instead of numbers.
create view events as
    select n.site, n.node, e.seq, e.at, e.kind, e.subject, e.body, e.journal, encode(e.hash, 'hex') as hash
    from event e join node n on n.id = e.node_id;

create view readings as
    select n.site, n.node, g.name as region, r.at, r.displacement_pp_px, r.displacement_rms_px, r.velocity_rms_mm_s,
        r.peak_hz, r.peak_amplitude_px, r.uncertainty_px,
        case r.grade when 3 then 'good' when 2 then 'reduced' when 1 then 'poor' else 'untrusted' end as grade
    from reading r join region g on g.id = r.region_id join node n on n.id = r.node_id;

create view minutes as
    select n.site, n.node, s.name as series, s.unit, m.at, m.known, m.mean, m.least, m.most
    from minute m join series s on s.id = m.series_id join node n on n.id = m.node_id;

create view hours as
    select n.site, n.node, s.name as series, s.unit, h.at, h.known, h.mean, h.least, h.most
    from hour h join series s on s.id = h.series_id join node n on n.id = h.node_id;

create view waveforms as
    select n.site, n.node, w.event as seq, w.at, w.region, w.t_s, w.dx_px, w.dy_px, w.sigma_px, w.journal
    from waveform w join node n on n.id = w.node_id;

create view fleet as
    select site, node, version, engine_state, last_seen, now() - last_seen as age, worst_priority, worst_alarm, alarms,
        unacknowledged, cameras_live, cameras, plcs_live, plcs, queued
    from node order by site, node;

-- Whoever only reads: `grant vms_reader to NAME`. Where this user may not make roles, an admin runs these lines.
do $$
begin
    if not exists (select from pg_roles where rolname = 'vms_reader') then
        begin
            create role vms_reader nologin;
        exception when insufficient_privilege or duplicate_object or unique_violation then
            raise notice 'the role vms_reader is not made: this user may not make roles';
        end;
    end if;
    if exists (select from pg_roles where rolname = 'vms_reader') then
        grant usage on schema vms to vms_reader;
        grant select on all tables in schema vms to vms_reader;
        alter default privileges in schema vms grant select on tables to vms_reader;
    end if;
end
$$;
