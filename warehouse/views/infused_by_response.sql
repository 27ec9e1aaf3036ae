-- Grain: one infusion product with its tumour-reactive T cells and the best overall response of its subject.
create or replace view infused_by_response as
with
products as (
    select * from infusion_products
),
response_groups as (
    select subject_id, best_overall_response, is_responder from outcomes
),
in_force as (
    select assay, readout, rule from analysis_in_force
),
reactive_stimuli as (
    -- One row, null where study.toml names none and every tumour antigen counts.
    select max(nullif(from_json(value, '["VARCHAR"]'), [])) as names
    from settings
    where setting = 'infusion_product.reactive_stimuli'
),
open_upwards as (
    -- Products with wells too numerous to count: the number of cells is a lower bound.
    select distinct responses.specimen_id
    from responses
    inner join in_force using (assay, readout, rule)
    cross join reactive_stimuli
    where
        responses.is_reported
        and responses.net_lower is not null
        and responses.net_upper is null
        and coalesce(list_contains(reactive_stimuli.names, responses.antigen), responses.antigen_role = 'tumour')
)
select
    products.subject_id,
    products.specimen_id,
    coalesce(response_groups.best_overall_response, 'NE') as best_overall_response,
    case response_groups.is_responder
        when true then 'responder' when false then 'non-responder' else 'not evaluable'
    end as response_group,
    products.total_viable_cells,
    products.reactive_net_value,
    products.tumour_reactive_cells,
    products.tumour_reactive_cells_lower,
    products.tumour_reactive_cells_lod,
    coalesce(products.is_below_lod, false) as is_below_lod,
    open_upwards.specimen_id is not null
        or (products.tumour_reactive_cells is null and products.tumour_reactive_cells_lower is not null)
        as is_lower_bound,
    -- Where the point stands: a censored number at its LOD or at its lower bound.
    case
        when products.is_below_lod then products.tumour_reactive_cells_lod
        else coalesce(products.tumour_reactive_cells, products.tumour_reactive_cells_lower)
    end as drawn_cells,
    products.reactive_reason
from products
left join response_groups using (subject_id)
left join open_upwards using (specimen_id)
order by products.subject_id;
