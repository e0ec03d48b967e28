package ghl_test

import "github.com/leadwire/leadwire/httpedge/source"

type draft = source.Draft
