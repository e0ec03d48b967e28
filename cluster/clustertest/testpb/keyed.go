// Package testpb holds the messages of the cluster's own tests. They are generated from testpb.proto.
package testpb

// Address is part of cluster.Keyed.
func (p *Ping) Address() (kind, id string) { return p.GetKind(), p.GetId() }
