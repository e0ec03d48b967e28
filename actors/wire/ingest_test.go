package wire_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/leadwire/leadwire/actors/wire"
)

// What crosses to another node is the event: until when somebody waits is of this node's clock.
func TestHereIngest_CrossesAsIngest(t *testing.T) {
	t.Parallel()
	want := &wire.Ingest{Event: &wire.Event{Account: "acme", Source: "ghl", Id: "e1", Lead: "lead-1"}}
	here := &wire.HereIngest{Ingest: want, Until: time.Now()}
	require.Equal(t, proto.MessageName(want), proto.MessageName(here))
	b, err := proto.Marshal(here)
	require.NoError(t, err)
	var there wire.Ingest
	require.NoError(t, proto.Unmarshal(b, &there))
	require.True(t, proto.Equal(want, &there))
	kind, id := here.Address()
	require.Equal(t, []string{wire.KindLead, "acme/lead-1"}, []string{kind, id})
}
