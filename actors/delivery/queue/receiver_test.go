package queue_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

func answer(status int, took time.Duration) domain.Sent {
	s := domain.Sent{Status: status, Reason: fmt.Sprint(status, " ", http.StatusText(status)), Phases: domain.Phases{Total: took}}
	if status < 200 || status > 299 {
		s.Error = domain.ErrorStatus
	}
	return s
}

func broken(class domain.ErrorClass, took time.Duration) domain.Sent {
	return domain.Sent{Error: class, Reason: "the attempt ended in " + string(class), Phases: domain.Phases{Total: took}}
}

// modes are what an endpoint may be like.
var modes = []string{"healthy", "healthy", "slow", "flapping", "dead", "failing", "limited", "busy", "gone", "hanging", "cut", "lying", "endless", "dripping", "garbage", "picky"}

// become makes the endpoint one of the modes.
func (l *life) become(mode string) {
	l.mode = mode
	l.sayf("the endpoint is %s", mode)
	l.reacher = func(s queue.Send) domain.Sent {
		if !l.store.of(s.Delivery.N).Replay && s.Delivery.N%17 == 0 {
			return broken(domain.ErrorSuppressed, 0)
		}
		quick := l.millis(50)
		switch mode {
		case "slow":
			return answer(200, l.millis(14_000))
		case "flapping":
			return answer([]int{200, 500, 503}[l.rng.IntN(3)], quick)
		case "dead":
			return broken([]domain.ErrorClass{domain.ErrorConnect, domain.ErrorDNS, domain.ErrorTLS, domain.ErrorAddress}[l.rng.IntN(4)], l.millis(2000))
		case "failing":
			return answer(500, quick)
		case "limited":
			a := answer(429, quick)
			a.RetryAfter = l.now.Add(quick + time.Duration(l.rng.IntN(600))*time.Second)
			if l.rng.IntN(20) == 0 {
				a.RetryAfter = l.now.Add(48 * time.Hour)
			}
			return a
		case "busy":
			return answer([]int{429, 503, 200}[l.rng.IntN(3)], quick)
		case "gone":
			return answer(410, quick)
		case "hanging":
			return broken(domain.ErrorTimeout, l.config.Timeout)
		case "cut":
			a := broken(domain.ErrorCut, quick)
			a.Status = 200
			return a
		case "lying": // it promises more than it sends
			a := broken(domain.ErrorCut, quick)
			a.Status = 200
			return a
		case "endless": // as much is read as is kept, and it has answered 200
			a := answer(200, quick)
			a.Body, a.Truncated = make([]byte, domain.MaxExcerpt), true
			return a
		case "dripping": // a byte now and then, until the time is over
			a := broken(domain.ErrorTimeout, l.config.Timeout)
			a.Status = 200
			return a
		case "garbage":
			return broken(domain.ErrorProtocol, quick)
		case "picky":
			return answer([]int{200, 422, 302, 200}[s.Delivery.N%4], quick)
		default:
			return answer(200, quick)
		}
	}
}
