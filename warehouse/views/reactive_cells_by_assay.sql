-- Grain: one infusion product under one assay, population and readout, with the best overall response of its subject.
create or replace view reactive_cells_by_assay as
with
products as (
    select * from reactive_cells
),
response_groups as (
    select subject_id, best_overall_response, is_responder from outcomes
),
populations as (
    select population, position from analysis_populations
),
readouts as (
    select assay, readout, position from analysis_readouts
)
select
    products.assay,
    products.population,
    products.readout,
    products.subject_id,
    products.specimen_id,
    products.antigens,
    products.total_viable_cells,
    products.parent_fraction,
    products.net_fraction,
    products.reactive_cells,
    products.reactive_cells_lower,
    products.reactive_cells_upper,
    products.reactive_cells_lod,
    coalesce(products.is_below_lod, false) as is_below_lod,
    coalesce(products.is_lower_bound, false) as is_lower_bound,
    coalesce(products.is_upper_bound, false) as is_upper_bound,
    -- Where the point stands: a censored number at its LOD.
    case when products.is_below_lod then products.reactive_cells_lod else products.reactive_cells end as drawn_cells,
    products.reason,
    coalesce(response_groups.best_overall_response, 'NE') as best_overall_response,
    case response_groups.is_responder
        when true then 'responder' when false then 'non-responder' else 'not evaluable'
    end as response_group
from products
left join response_groups using (subject_id)
left join populations using (population)
left join readouts using (assay, readout)
order by
    products.assay desc,
    products.readout = 'multimer',
    readouts.position,
    products.readout,
    populations.position,
    products.population,
    list_position(['responder', 'non-responder', 'not evaluable'], response_group),
    products.subject_id;
