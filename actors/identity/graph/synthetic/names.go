package synthetic

// The words people are made of. They are common, so that the words a real graph shares are shared here too.

var firstNames = []string{
	"James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth", "William", "Barbara",
	"Richard", "Susan", "Joseph", "Jessica", "Thomas", "Sarah", "Carlos", "Karen", "Daniel", "Lisa", "Matthew", "Nancy",
	"Anthony", "Betty", "Mark", "Sandra", "Donald", "Margaret", "Steven", "Ashley", "Andrew", "Kimberly", "Paul", "Emily",
	"Joshua", "Donna", "Kenneth", "Michelle", "Kevin", "Carol", "Brian", "Amanda", "George", "Melissa", "Timothy", "Deborah",
}

var lastNames = []string{
	"Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez", "Hernandez", "Lopez",
	"Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee", "Perez", "Thompson", "White",
	"Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen", "King", "Wright", "Scott",
	"Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall", "Rivera", "Campbell", "Mitchell",
}

var roles = []struct{ title, seniority, department string }{
	{"Chief Executive Officer", "c_suite", "Executive"},
	{"Chief Technology Officer", "c_suite", "Engineering"},
	{"VP of Sales", "vp", "Sales"},
	{"VP of Engineering", "vp", "Engineering"},
	{"Director of Marketing", "director", "Marketing"},
	{"Director of Operations", "director", "Operations"},
	{"Head of Procurement", "head", "Operations"},
	{"Engineering Manager", "manager", "Engineering"},
	{"Account Manager", "manager", "Sales"},
	{"Product Manager", "manager", "Product"},
	{"Senior Software Engineer", "senior", "Engineering"},
	{"Marketing Specialist", "entry", "Marketing"},
	{"Sales Development Representative", "entry", "Sales"},
	{"Human Resources Generalist", "entry", "Human Resources"},
	{"Financial Analyst", "entry", "Finance"},
}

var places = []struct{ city, state, postal string }{
	{"New York", "NY", "10001"},
	{"Los Angeles", "CA", "90001"},
	{"Chicago", "IL", "60601"},
	{"Houston", "TX", "77001"},
	{"Phoenix", "AZ", "85001"},
	{"Philadelphia", "PA", "19101"},
	{"San Antonio", "TX", "78201"},
	{"San Diego", "CA", "92101"},
	{"Dallas", "TX", "75201"},
	{"Austin", "TX", "73301"},
	{"Columbus", "OH", "43085"},
	{"Charlotte", "NC", "28201"},
	{"Seattle", "WA", "98101"},
	{"Denver", "CO", "80201"},
	{"Boston", "MA", "02108"},
	{"Nashville", "TN", "37201"},
	{"Portland", "OR", "97201"},
	{"Atlanta", "GA", "30301"},
}

var companyNames = []string{
	"Acme", "Globex", "Initech", "Umbrella", "Hooli", "Vehement", "Massive", "Stark", "Wayne", "Wonka", "Soylent", "Cyberdyne",
	"Tyrell", "Aperture", "Oscorp", "Gringotts", "Monarch", "Duff", "Vandelay", "Bluth", "Sterling", "Dunder", "Pied", "Wernham",
}

var suffixes = []string{"Systems", "Industries", "Partners", "Labs", "Logistics", "Health", "Software", "Group"}

var trades = []struct{ industry, sector string }{
	{"Software Development", "Technology"},
	{"Hospitals and Health Care", "Health Care"},
	{"Financial Services", "Finance"},
	{"Retail", "Consumer"},
	{"Truck Transportation", "Industrials"},
	{"Real Estate", "Real Estate"},
	{"Higher Education", "Education"},
	{"Advertising Services", "Communication"},
}

var revenues = []string{"$0-1M", "$1M-10M", "$10M-50M", "$50M-100M", "$100M-500M", "$500M-1B", "$1B+"}
