package bench

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/leadwire/leadwire/actors/domain"
)

// The test binary is also a stand-in of the whole command, so that starting, configuring and stopping
// a server process is tested with a real process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve":
			os.Exit(exitCode(standInServe(os.Args[2:])))
		case "apply":
			os.Exit(exitCode(standInApply(os.Args[2:])))
		}
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // wakes every 10 s to see that it may end
	)
}

func exitCode(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// option finds "--name value"; the last one counts.
func option(args []string, name string) (value string) {
	for i, a := range args[:max(0, len(args)-1)] {
		if a == name {
			value = args[i+1]
		}
	}
	return value
}

// standInServe serves the catalog that the data folder has by the time somebody asks for anything.
func standInServe(args []string) error {
	if option(args, "--break") != "" {
		return fmt.Errorf("this server was told to break")
	}
	data := option(args, "--data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	listener, err := net.Listen("tcp", option(args, "--listen"))
	if err != nil {
		return err
	}
	product := sync.OnceValue(func() http.Handler { return standInFor(filepath.Join(data, "catalog.yaml")) })
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" { // that is asked before apply, everything else after it
				product().ServeHTTP(w, r)
			}
		}))
	}()
	if address := option(args, "--pprof"); address != "" {
		go func() {
			_ = http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, r.URL.String())
			}))
		}()
	}
	if err := os.WriteFile(option(args, "--address-file"), []byte(listener.Addr().String()+"\n"), 0o600); err != nil {
		return err
	}
	<-stop
	return nil
}

func standInFor(catalog string) http.Handler {
	var c domain.Catalog
	text, _ := os.ReadFile(catalog)
	if yaml.Unmarshal(text, &c) != nil || len(c.Accounts) != 1 {
		return http.NotFoundHandler()
	}
	key, _ := base64.StdEncoding.DecodeString(c.Sources[0].PublicKeys[0])
	return newStandIn(ed25519.PublicKey(key), len(c.Accounts[0].Buyers), faults{}).routes()
}

// standInApply keeps the catalog and hands a token to every buyer, as the command does.
func standInApply(args []string) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var c domain.Catalog
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(&c); err != nil {
		return err
	}
	file := filepath.Join(option(args, "--data"), "catalog.yaml")
	out := struct {
		Changes []string            `json:"changes"`
		Tokens  []map[string]string `json:"tokens"`
	}{}
	if _, err := os.Stat(file); err == nil {
		out.Changes = append(out.Changes, "something is there")
	}
	if args[len(args)-1] != "--dry-run" {
		for i := range c.Accounts[0].Buyers {
			out.Tokens = append(out.Tokens, map[string]string{"token": "token-" + strconv.Itoa(i)})
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}
