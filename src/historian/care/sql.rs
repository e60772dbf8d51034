//! What is asked of the server. The comment in each tells our own questions from other people's in its statistics.

/// The server, the database and the role, in one row.
pub(super) const OVERVIEW: &str = "
select /* vms care */ current_setting('server_version'), current_setting('server_version_num')::int4,
    current_database()::text, current_user::text, pg_postmaster_start_time(), pg_is_in_recovery(),
    pg_database_size(current_database()), pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
    case when pg_has_role(current_user, 'pg_read_all_stats', 'usage')
        then (select count(*)::int4 from pg_stat_activity where backend_type = 'client backend')
        else (select sum(numbackends)::int4 from pg_stat_database) end,
    current_setting('max_connections')::int4,
    (select max(age(datfrozenxid))::float8 from pg_database),
    (select (100.0 * blks_hit / nullif(blks_hit + blks_read, 0))::float8 from pg_stat_database
        where datname = current_database())";

/// Settings that advice is given about.
pub(super) const SETTINGS: &str = "
select /* vms care */ name, setting from pg_settings where name = any ('{fsync,full_page_writes,autovacuum,
    track_counts,shared_buffers,synchronous_commit,password_encryption,shared_preload_libraries,
    log_min_duration_statement,max_wal_size}')";

/// Checkpoints by the clock and on request, up to version 16 and from 17 on.
pub(super) const CHECKPOINTS: [&str; 2] = [
    "select /* vms care */ checkpoints_timed::int8, checkpoints_req::int8 from pg_stat_bgwriter",
    "select /* vms care */ num_timed::int8, num_requested::int8 from pg_stat_checkpointer",
];

/// Tables, their partitions counted in with them.
///
/// The bloat is estimated: the pages that a table has, less those that its rows would need by their mean width in `pg_stats`
/// and the sizes of page and row headers (as `check_postgres` and `pgsql-bloat-estimation` do it, without their corrections
/// for alignment). It is good to some ten percent, and says nothing of tables that were never analysed.
pub(super) const TABLES: &str = "
with width as (
    select schemaname, tablename, sum((1 - null_frac) * avg_width)::float8 as bytes
    from pg_stats where not inherited group by 1, 2
), part as (
    select coalesce(pg_partition_root(c.oid)::oid, c.oid) as root, pg_total_relation_size(c.oid) as size,
        pg_indexes_size(c.oid) as index, s.n_live_tup as live, s.n_dead_tup as dead,
        greatest(s.last_vacuum, s.last_autovacuum) as vacuumed, greatest(s.last_analyze, s.last_autoanalyze) as analysed,
        case when c.reltuples > 0 then greatest(0, c.relpages * 8192.0 - c.reltuples * (28 + 8 * ceil(w.bytes / 8))
            / 8168 * 8192) end as bloat
    from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        left join pg_stat_user_tables s on s.relid = c.oid
        left join width w on w.schemaname = n.nspname and w.tablename = c.relname
    where c.relkind in ('r', 'm') and c.relpersistence <> 't' and n.nspname !~ '^(pg_|information_schema$)'
)
select /* vms care */ n.nspname || '.' || c.relname, count(*)::int8, sum(part.size)::int8, sum(part.index)::int8,
    sum(part.live)::int8, sum(part.dead)::int8, max(part.vacuumed), max(part.analysed), sum(part.bloat)::int8
from part join pg_class c on c.oid = part.root join pg_namespace n on n.oid = c.relnamespace
group by 1 order by 3 desc nulls last limit 200";

/// Indexes that are not valid and are not just being built, and those that nobody has used for a week of statistics.
pub(super) const INDEXES: &str = "
select /* vms care */ n.nspname || '.' || i.relname, n.nspname || '.' || t.relname, pg_relation_size(i.oid),
    case when x.indisvalid then 'unused' when i.relname ~ '_cc(new|old)[0-9]*$' then 'leftover' else 'invalid' end
from pg_index x
    join pg_class i on i.oid = x.indexrelid and i.relkind = 'i'
    join pg_class t on t.oid = x.indrelid and t.relpersistence <> 't'
    join pg_namespace n on n.oid = t.relnamespace
    left join pg_stat_user_indexes s on s.indexrelid = i.oid
where n.nspname !~ '^(pg_|information_schema$)' and (
    (not x.indisvalid or not x.indisready)
        and not exists (select 1 from pg_stat_progress_create_index p where p.index_relid = i.oid or p.relid = t.oid)
    or x.indisvalid and not x.indisunique and not x.indisexclusion and s.idx_scan = 0 and not t.relispartition
        and pg_relation_size(i.oid) > 1024 * 1024
        and (select coalesce(stats_reset, pg_postmaster_start_time()) < now() - interval '7 days'
            from pg_stat_database where datname = current_database()))
order by 4, 3 desc limit 100";

/// What is going on in this database: everything that is not idle, and whoever holds another up.
pub(super) const SESSIONS: &str = "
with here as (
    select a.*, case when a.wait_event_type = 'Lock' then pg_blocking_pids(a.pid) else '{}'::int4[] end as blockers
    from pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid()
        and coalesce(a.backend_type, 'hidden') in
            ('client backend', 'autovacuum worker', 'background worker', 'hidden')
)
select /* vms care */ pid, backend_start, coalesce(usename::text, ''), application_name,
    coalesce(host(client_addr), 'local'),
    case when backend_type = 'autovacuum worker' then 'autovacuum' else coalesce(state, 'unknown') end,
    wait_event_type || ': ' || wait_event,
    extract(epoch from clock_timestamp() - case when state like 'idle%' then state_change else query_start end)::float8,
    left(query, 2000), blockers
from here
where (state is distinct from 'idle' and application_name <> 'vms watch')
    or pid in (select unnest(blockers) from here)
order by 8 desc nulls last limit 100";

/// In which schema `pg_stat_statements` is installed.
pub(super) const STATEMENTS_SCHEMA: &str = "
select /* vms care */ quote_ident(n.nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'";

/// The queries with the largest means and the largest totals, `{}` being the schema; what manages the server is no query.
pub(super) const STATEMENTS: &str = "
select /* vms care */ queryid, left(query, 4000), calls, total, mean, max from (
    select queryid, query, calls, total_exec_time as total, mean_exec_time as mean, max_exec_time as max,
        rank() over (order by total_exec_time desc) as by_total, rank() over (order by mean_exec_time desc) as by_mean
    from {}.pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null
        and query !~ '/[*] vms care [*]/'
        and query ~* '^[[:space:](]*(select|insert|update|delete|with|merge|<insufficient)'
) s
where by_total <= 100 or by_mean <= 30 order by mean desc";

/// Replicas.
pub(super) const REPLICAS: &str = "
select /* vms care */ coalesce(nullif(application_name, ''), host(client_addr), 'replica'), coalesce(state, 'unknown'),
    case when replay_lsn >= sent_lsn then 0 else extract(epoch from replay_lag)::float8 end,
    pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::int8
from pg_stat_replication order by 1";

/// Whether sizes are kept on the server, and what became of them in a week: first and newest of each relation.
pub(super) const HAS_HISTORY: &str = "select /* vms care */ to_regclass('vms.size_history') is not null";
pub(super) const HISTORY: &str = "
select /* vms care */ relation, extract(epoch from max(at) - min(at))::float8,
    (array_agg(bytes order by at))[1], (array_agg(bytes order by at desc))[1]
from vms.size_history where at > now() - interval '7 days' group by relation";

/// How far a job of this process is.
pub(super) const PROGRESS: &str = "
select /* vms care */ phase, (100.0 * heap_blks_scanned / nullif(heap_blks_total, 0))::float8, null::int4
from pg_stat_progress_vacuum where pid = $1
union all
select phase, (100.0 * sample_blks_scanned / nullif(sample_blks_total, 0))::float8, null
from pg_stat_progress_analyze where pid = $1
union all
select phase, coalesce(100.0 * blocks_done / nullif(blocks_total, 0), 100.0 * tuples_done / nullif(tuples_total, 0))::float8,
    nullif(current_locker_pid, 0)::int4
from pg_stat_progress_create_index where pid = $1
limit 1";

/// Tables that a job goes over: itself and its partitions, with who owns them. `$1` is a name, or nothing for all.
pub(super) const JOB_TABLES: &str = "
with mine as (
    select c.oid, c.relkind, c.relname, n.nspname, r.relname as root, rn.nspname as root_schema,
        pg_get_userbyid(c.relowner)::text as owner,
        pg_has_role(current_user, c.relowner, 'usage') as may
    from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_class r on r.oid = coalesce(pg_partition_root(c.oid)::oid, c.oid)
        join pg_namespace rn on rn.oid = r.relnamespace
    where c.relkind in ('r', 'm', 'p') and c.relpersistence <> 't' and n.nspname !~ '^(pg_|information_schema$)'
)
select /* vms care */ oid, relkind::text, quote_ident(nspname) || '.' || quote_ident(relname), owner, may
from mine
where $1::text is null or $1 in (root, root_schema || '.' || root, relname, nspname || '.' || relname)
order by relkind <> 'p' desc, 3";

/// Indexes of these tables that can be built anew beside writers; whether each is a leaving of an interrupted run.
pub(super) const JOB_INDEXES: &str = "
select /* vms care */ quote_ident(n.nspname) || '.' || quote_ident(i.relname),
    not x.indisvalid and i.relname ~ '_cc(new|old)[0-9]*$'
from pg_index x
    join pg_class i on i.oid = x.indexrelid and i.relkind = 'i'
    join pg_namespace n on n.oid = i.relnamespace
where x.indrelid = any ($1) and not x.indisexclusion
    and not exists (select 1 from pg_stat_progress_create_index p where p.relid = x.indrelid)
order by 2 desc, 1";

/// Sizes of these tables now.
pub(super) const FIGURES: &str = "
select /* vms care */ coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8, coalesce(sum(pg_indexes_size(c.oid)), 0)::int8,
    coalesce(sum(pg_stat_get_dead_tuples(c.oid)), 0)::int8
from pg_class c where c.oid = any ($1) and c.relkind in ('r', 'm')";
