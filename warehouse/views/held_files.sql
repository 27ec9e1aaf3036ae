-- Grain: one file held back, with what is wrong with it and what to do about it.
create or replace view held_files as
with
inbox_files as (
    select * from files
)
select
    file_sha256,
    path,
    format,
    reason,
    problem_place,
    problem,
    remedy,
    n_rows,
    n_rejects,
    plates,
    first_run_id
from inbox_files
where state = 'quarantined'
order by path, file_sha256;
