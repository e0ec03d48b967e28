package domain

// CheckID says whether an id that an operator chose is well formed: 1 to 64 of a-z A-Z 0-9 . _ -, so
// that ids join with "/" in actor identities, stand in URLs unescaped, and fit in a metric's label.
func CheckID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	return wellFormed(id)
}

// MaxForeignID is the longest id taken over from a source, in bytes. GHL's are 20 to 36; 200 leaves room
// for any source's and keeps index rows narrow.
const MaxForeignID = 200

// CheckForeignID says whether an id that a source chose can be kept as it is.
func CheckForeignID(id string) bool {
	return len(id) > 0 && len(id) <= MaxForeignID && wellFormed(id)
}

func wellFormed(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
