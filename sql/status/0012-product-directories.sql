-- Where the jobs of a submission put what they make: a product that is on disk, but that no job reported, is looked for
-- there. Null: not known (submissions of an older SLURP).
alter table submission add column product_directories text[];

-- has_product is set together with final_state, which is indexed too, so this costs no heap-only update.
create index production_status_lacking on production_status (id) where not has_product and retired_at is null;
