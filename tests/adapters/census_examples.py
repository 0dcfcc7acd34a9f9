"""Census tables in small, in the three layouts that they are handed out in; figures are invented."""

B19001 = """\
"GEO_ID","NAME","B19001_001E","B19001_001M","B19001_002E","B19001_002M","B19001_003E","B19001_003M",\
"B19001_004E","B19001_004M",
"Geography","Geographic Area Name","Estimate!!Total:","Margin of Error!!Total:","Estimate!!Total:!!Less than $10,000",\
"Margin of Error!!Total:!!Less than $10,000","Estimate!!Total:!!$10,000 to $49,999",\
"Margin of Error!!Total:!!$10,000 to $49,999",\
"Estimate!!Total:!!$50,000 or more","Margin of Error!!Total:!!$50,000 or more",
"1400000US50001960100","Census Tract 9601; Ash County; Vermont","100","*****","20","11","50","15","30","**",
"1400000US50001960200","Census Tract 9602; Ash County; Vermont","80","9","0","12","45","10","35","14",
"1400000US50003970100","Census Tract 9701; Birch County; Vermont","60","8","10","7","30","9","20","8",
"1400000US50003970200","Census Tract 9702; Birch County; Vermont","-","**","-","**","-","**","-","**",
"""
"""A CSV of data.census.gov: labels in the second line, an empty last column, annotations."""

B01001 = [
    ["NAME", "B01001_001E", "B01001_001M", "B01001_003E", "B01001_003M", "B01001_004E", "B01001_004M",
     "B01001_005E", "B01001_005M", "B01001_006E", "B01001_006M", "state", "county"],
    ["Ash County, Vermont", "400", "-555555555", "90", "12", "110", None, "95", "-222222222", "105", "13", "50", "001"],
    ["Birch County, Vermont", "150", "-555555555", "30", "9", "45", "10", "35", "9", "40", "11", "50", "003"],
]  # fmt: skip
"""An API response: by county, without GEO_ID and labels."""

B01001_GROUP = {
    "variables": {
        "B01001_001E": {"label": "Estimate!!Total:", "concept": "Sex by age"},
        "B01001_003E": {"label": "Estimate!!Total:!!Male:!!Under 18 years"},
        "B01001_004E": {"label": "Estimate!!Total:!!Male:!!18 years and over"},
        "B01001_005E": {"label": "Estimate!!Total:!!Female:!!Under 18 years"},
        "B01001_006E": {"label": "Estimate!!Total:!!Female:!!18 years and over"},
        "B01001_003M": {"label": "Margin of Error!!Total:!!Male:!!Under 18 years"},
        "GEO_ID": {"label": "Geography"},
    }
}
"""The API's groups/B01001.json."""

B08301_EXPORT = """\
"Label (Grouping)","Ash County, Vermont!!Estimate","Ash County, Vermont!!Margin of Error"
"Total:","1,200","±80"
"\u00a0\u00a0\u00a0\u00a0Car, truck, or van:","1,000","±75"
"\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0Drove alone","900","±70"
"\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0Carpooled","100","±30"
"\u00a0\u00a0\u00a0\u00a0Walked","150","±25"
"\u00a0\u00a0\u00a0\u00a0Worked from home","50","±12"
"""
"""The export with one row per label, indented."""
