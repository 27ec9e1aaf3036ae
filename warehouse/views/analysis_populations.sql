-- Grain: one population of cytometry that study.toml declares, in its order.
create or replace view analysis_populations as
with
declared as (
    select unnest(from_json(value, '["JSON"]')) as population, generate_subscripts(from_json(value, '["JSON"]'), 1) as place
    from settings
    where setting = 'cytometry.populations'
)
select
    population ->> 'name' as population,
    population ->> 'counted_as' as counted_as,
    row_number() over (order by place) as position
from declared
order by position;
