"""A small PopulationSim folder as text: 4 zones in 2 tracts, 20 households and 50 persons, with a defect or two."""

CONTROLS = """\
target,geography,seed_table,importance,control_field,expression
num_hh,TAZ,households,1000000,HH,(households.WGTP > 0) & (households.WGTP < np.inf)
num_per,TAZ,persons,100000,POP,(persons.PWGTP > 0) & (persons.PWGTP < np.inf)
hh_size_1,TAZ,households,5000,SIZE1,households.NP == 1
hh_size_2,TAZ,households,5000,SIZE2,households.NP == 2
hh_size_3_plus,TAZ,households,5000,SIZE3,households.NP >= 3
hh_inc_low,TAZ,households,500,INC1,households.HINCP <= 25000
hh_inc_mid,TAZ,households,500,INC2,(households.HINCP > 25000) & (households.HINCP <= 50000)
hh_inc_more,TAZ,households,500,INC3,(households.HINCP > 5000) & (households.HINCP <= 75000)
hh_inc_high,TAZ,households,500,INC4,(households.HINCP > 75000) & (households.HINCP <= 999999999)
hh_no_veh,TRACT,households,1000,NOVEH,households.VEH == 0
hh_enough_veh,TRACT,households,1000,ENOUGH,households.NP_ADULTS <= households.VEH
hh_few_veh,TRACT,households,1000,FEW,households.NP_ADULTS > households.VEH
hh_children,TRACT,households,1000,CHILD,households.HUPAC != 4
hh_no_children,TRACT,households,1000,NOCHILD,households.HUPAC == 4
p_age_0_17,TRACT,persons,1000,AGE1,persons.AGEP <= 17
p_age_18_64,TRACT,persons,1000,AGE2,(persons.AGEP > 17) & (persons.AGEP <= 64)
p_age_65_plus,TRACT,persons,1000,AGE3,persons.AGEP > 64
p_white,TRACT,persons,1000,WHITE,persons.RAC1P == 1
p_asian,TRACT,persons,1000,ASIAN,"persons.RAC1P.isin([6, 7])"
p_other,TRACT,persons,1000,OTHERS,"~persons.RAC1P.isin([1, 6, 7])"
p_full,REGION,persons,1000,FULL,persons.WKHP >= 35
p_part,REGION,persons,1000,PART,persons.WKHP < 35
"""
TAZ = """\
TAZ,STATE,HH,POP,SIZE1,SIZE2,SIZE3,INC1,INC2,INC3,INC4
1,50,5,12,2,1,2,1,2,1,1
2,50,6,15,2,2,2,2,2,2,0
3,50,4,10,1,2,1,1,2,1,0
4,50,5,13,2,1,2,2,2,0,1
"""
TRACT = """\
TRACT,NOVEH,ENOUGH,FEW,CHILD,NOCHILD,AGE1,AGE2,AGE3,WHITE,ASIAN,OTHERS
0100,1,7,3,4,7,7,16,4,20,2,5
0200,1,6,2,3,6,6,13,4,20,1,2
"""
REGION = """\
# made for one region
REGION,FULL,PART
#1,99,99
1,18,8
"""
CROSSWALK = """\
,TAZ,TRACT,PUMA,REGION
0,1,0100,600,1
1,2,0100,600,1
2,2,0100,600,1
3,3,0200,700,1
4,4,0200,700,1
5,9,0900,900,1
"""
TOWN = {
    "controls.csv": CONTROLS,
    "control_totals_taz.csv": TAZ,
    "control_totals_TRACT.csv": TRACT,
    "scaled_control_totals_meta.csv": REGION,
    "geo_cross_walk.csv": CROSSWALK,
}
SETTINGS = """\
geographies: [REGION, PUMA, TRACT, TAZ]
seed_geography: PUMA
data_dir: data
input_table_list:
  - tablename: geo_cross_walk
    filename: cross.csv
    rename_columns:
      TRACTCE: TRACT
  - tablename: TAZ_control_data
    filename: zones.csv
    rename_columns: {ZONE: TAZ}
household_weight_col: WGTP
total_hh_control: num_hh
control_file_name: controls.csv
"""
