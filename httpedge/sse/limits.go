package sse

import (
	"sync"

	"github.com/leadwire/leadwire/actors/domain"
)

// limits counts streams against what a buyer and the node may have.
type limits struct {
	mu       sync.Mutex
	config   Config
	node     int
	buyers   map[domain.BuyerKey]int
	draining bool
	empty    chan struct{} // made by whoever waits for the last stream to end; closed then
}

// check says why one more stream would be refused; empty: it would not.
func (l *limits) check(key domain.BuyerKey) refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refuse(key)
}

// take counts a stream, or says why not.
func (l *limits) take(key domain.BuyerKey) refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	if why := l.refuse(key); why != "" {
		return why
	}
	l.node++
	l.buyers[key]++
	return ""
}

func (l *limits) refuse(key domain.BuyerKey) refusal {
	switch {
	case l.draining:
		return whileDraining
	case l.node >= l.config.PerNode:
		return atNode
	case l.buyers[key] >= l.config.PerBuyer:
		return atBuyer
	default:
		return ""
	}
}

func (l *limits) give(key domain.BuyerKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.node--
	if l.buyers[key]--; l.buyers[key] == 0 {
		delete(l.buyers, key)
	}
	if l.node == 0 && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
}

// drain refuses streams from now on, and answers with a channel that closes when there are none.
func (l *limits) drain() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	if l.empty == nil {
		l.empty = make(chan struct{})
	}
	empty := l.empty
	if l.node == 0 {
		close(empty)
		l.empty = nil
	}
	return empty
}

// closed says whether streams are refused because the node drains.
func (l *limits) closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.draining
}
