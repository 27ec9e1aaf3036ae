-- Grain: one file by its bytes, with the path it is called by: where it lay first in the alphabet, copies last.
create or replace view archived_files as
with
known as (
    select * from files
)
select
    file_sha256,
    arg_min(path, (coalesce(reason, '') = 'duplicate.same_bytes', path)) as path
from known
group by file_sha256
order by path;
