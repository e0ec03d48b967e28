package actors

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// What a piece of work costs that encodes a visit, in a goroutine that stayed and in a new one each.
func BenchmarkWork(b *testing.B) {
	visit := domain.Visit{Account: "acme", Visitor: "visitor-1", LastAt: time.Now(), Pages: []domain.PageSeen{{URL: "https://shop.example/pricing", At: time.Now()}}}
	for name, start := range map[string]func(*Work, func(context.Context)){
		"stays": (*Work).Go,
		"new":   func(w *Work, f func(context.Context)) { go f(w.ctx) },
	} {
		b.Run(name, func(b *testing.B) {
			w, places := NewWork(), make(chan struct{}, maxIdle)
			defer w.Stop()
			for range b.N {
				places <- struct{}{}
				start(w, func(context.Context) {
					_, _ = json.Marshal(visit)
					<-places
				})
			}
		})
	}
}
