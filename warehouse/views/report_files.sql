-- Grain: one state and reason that files of the inbox ended in.
create or replace view report_files as
with
inbox_files as (
    select * from files
),
counted as (
    select
        state,
        reason,
        count(*) as n_files,
        sum(n_rows)::bigint as n_rows,
        sum(n_rejects)::bigint as n_rejects
    from inbox_files
    group by state, reason
)
select
    state,
    reason,
    n_files,
    sum(n_files) over ()::bigint as n_files_in_all,
    n_rows,
    n_rejects
from counted
order by
    list_position(
        ['quarantined', 'accepted_with_rejects', 'accepted', 'superseded', 'duplicate', 'ignored'], state
    ),
    n_files desc,
    reason;
