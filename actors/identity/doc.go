// Package identity says who a visitor is, and who must not be said.
package identity
