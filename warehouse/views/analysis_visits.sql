-- Grain: one visit that study.toml declares, and the infusion product on day 0, in the order of their days.
create or replace view analysis_visits as
with
declared as (
    select
        unnest(
            from_json(
                value, '[{"name": "VARCHAR", "day": "INTEGER", "window": ["INTEGER"], "expected": "BOOLEAN"}]'
            ),
            recursive := true
        )
    from settings
    where setting = 'visits'
),
products as (
    select (value ->> '$')::boolean as is_expected
    from settings
    where setting = 'sampling.expect_infusion_product'
),
both_kinds as (
    select name as visit, 'blood' as material, day, "window"[1] as first_day, "window"[2] as last_day,
        expected as is_expected
    from declared
    union all
    select 'infusion product', 'infusion_product', 0, 0, 0, is_expected
    from products
)
select
    visit,
    material,
    day,
    first_day,
    last_day,
    is_expected,
    row_number() over (order by day, material desc, visit) as position
from both_kinds
order by position;
