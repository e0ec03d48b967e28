package demo

// What the story's people are made of. The e-mail domains are reserved for examples, and the phone
// numbers end in 555-01xx, which nobody has.
var (
	firstNames = []string{
		"Maria", "James", "Aisha", "Robert", "Linh", "Patricia", "DeShawn", "Elena", "Michael", "Priya", "José", "Karen",
		"Tomasz", "Grace", "Omar", "Jennifer", "Wei", "Siobhán", "Carlos", "Hannah", "Kwame", "Yuki", "Dmitri", "Angela",
	}
	lastNames = []string{
		"Alvarez", "Thompson", "Okafor", "Nguyen", "O'Brien", "Patel", "Washington", "Kowalski", "García", "Müller", "Chen",
		"Johansson", "Rossi", "Haddad", "Brooks", "Tanaka", "Ferrari", "Bell", "Ibrahim", "Novak", "Reyes", "Whitaker",
	}
	streets = []string{"Maple St", "Oak Ridge Dr", "Elm Ave", "Lakeview Ct", "2nd St NW", "Harbor Blvd", "Pine Hollow Rd", "Sunset Ter"}
	places  = []place{
		{"Albany", "NY", "12207", "518"}, {"Austin", "TX", "78704", "512"}, {"Boulder", "CO", "80302", "303"},
		{"Charlotte", "NC", "28202", "704"}, {"Dolomite", "AL", "35061", "205"}, {"Fresno", "CA", "93721", "559"},
		{"Madison", "WI", "53703", "608"}, {"Mesa", "AZ", "85201", "480"}, {"Portland", "OR", "97205", "503"},
		{"Providence", "RI", "02903", "401"}, {"Tampa", "FL", "33602", "813"}, {"Yonkers", "NY", "10701", "914"},
	}
	channels = []channel{
		{"Facebook lead form", "Solar quote - lookalike 2%", "facebook", "paid_social"},
		{"Google Ads", "solar panels near me", "google", "cpc"},
		{"Website quote form", "", "", ""},
		{"Referral", "", "", ""},
		{"Home show", "Spring expo", "event", "offline"},
	}
	tagSets   = [][]string{{"web", "solar quote"}, {"homeowner"}, {"web", "battery"}, {"facebook", "hot"}, nil, {"referral", "homeowner", "roof < 10 years"}}
	companies = []string{"", "", "", "", "Alvarez Bakery", "Lakeside Dental", "Whitaker Farms LLC", "Bell & Sons"}
	roofs     = []string{"Asphalt shingle", "Metal", "Clay tile", "Flat membrane"}
	bills     = []string{"$100-150", "$150-200", "$200-300", "over $300"}
)

type place struct{ city, state, postalCode, area string }

type channel struct{ name, campaign, source, medium string }
