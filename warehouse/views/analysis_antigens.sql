-- Grain: one antigen that study.toml declares, tumour antigens first, else in the order of the file.
create or replace view analysis_antigens as
with
declared as (
    select unnest(from_json(value, '["JSON"]')) as antigen, generate_subscripts(from_json(value, '["JSON"]'), 1) as place
    from settings
    where setting = 'antigens'
)
select
    antigen ->> 'name' as antigen,
    antigen ->> 'role' as antigen_role,
    row_number() over (order by (antigen ->> 'role') = 'tumour' desc, place) as position
from declared
order by position;
