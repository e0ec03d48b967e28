package identity

import "strings"

// countries are the codes of ISO 3166-1 alpha-2. A region that is none of them ("EU") would be a suppression
// that never holds, and nobody would notice.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "

// states are those of the United States, whose laws differ: records have either form.
const states = "|AL ALABAMA|AK ALASKA|AZ ARIZONA|AR ARKANSAS|CA CALIFORNIA|CO COLORADO|CT CONNECTICUT|DE DELAWARE|DC DISTRICT OF COLUMBIA|FL FLORIDA|GA GEORGIA|HI HAWAII|ID IDAHO|IL ILLINOIS|IN INDIANA|IA IOWA|KS KANSAS|KY KENTUCKY|LA LOUISIANA|ME MAINE|MD MARYLAND|MA MASSACHUSETTS|MI MICHIGAN|MN MINNESOTA|MS MISSISSIPPI|MO MISSOURI|MT MONTANA|NE NEBRASKA|NV NEVADA|NH NEW HAMPSHIRE|NJ NEW JERSEY|NM NEW MEXICO|NY NEW YORK|NC NORTH CAROLINA|ND NORTH DAKOTA|OH OHIO|OK OKLAHOMA|OR OREGON|PA PENNSYLVANIA|RI RHODE ISLAND|SC SOUTH CAROLINA|SD SOUTH DAKOTA|TN TENNESSEE|TX TEXAS|UT UTAH|VT VERMONT|VA VIRGINIA|WA WASHINGTON|WV WEST VIRGINIA|WI WISCONSIN|WY WYOMING|"

// Region is a country (ISO 3166-1 alpha-2) and a subdivision of it (ISO 3166-2, with or without the country;
// or the name of a state of the United States). Either may be empty.
type Region struct{ Country, State string }

// readRegion reads "DE" or "US-CA" into canonical form.
func readRegion(text string) (string, bool) {
	country, state, divided := strings.Cut(strings.ToUpper(trim(text)), "-")
	country = countryCode(country)
	if len(country) != 2 || !strings.Contains(countries, " "+country+" ") {
		return "", false
	}
	if !divided {
		return country, true
	}
	if len(state) < 1 || len(state) > 3 || strings.ContainsFunc(state, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		return "", false
	}
	return country + "-" + state, true
}

// codes are the region's country and its subdivision, in canonical form; either may be empty. A state of the
// United States without a country is taken for what it most likely is: where it is wrong, somebody is not
// identified who might have been.
func (r Region) codes() (country, division string) {
	country, state := countryCode(strings.ToUpper(trim(r.Country))), strings.ToUpper(trim(r.State))
	if head, tail, divided := strings.Cut(state, "-"); divided && len(head) == 2 && (country == "" || head == country) {
		country, state = head, tail
	}
	if state != "" && (country == "US" || country == "") {
		if code, ok := stateCode(state); ok {
			country, state = "US", code
		}
	}
	if country == "" || state == "" {
		return country, ""
	}
	return country, country + "-" + state
}

// countryCode takes the other names by which the two most frequent countries of our records go.
func countryCode(upper string) string {
	switch upper {
	case "USA", "UNITED STATES", "UNITED STATES OF AMERICA":
		return "US"
	case "UK", "GREAT BRITAIN", "UNITED KINGDOM":
		return "GB"
	}
	return upper
}

func stateCode(upper string) (string, bool) {
	if len(upper) == 2 {
		return upper, strings.Contains(states, "|"+upper+" ")
	}
	if at := strings.Index(states, " "+upper+"|"); at >= 3 && states[at-3] == '|' {
		return states[at-2 : at], true
	}
	return "", false
}
