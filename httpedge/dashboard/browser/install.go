package browser

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed driver/driver.mjs driver/package.json driver/package-lock.json
var driver embed.FS

// parts is what a browser test needs of the machine.
type parts struct {
	node, chromium string // programs
	driver         string // folder with driver.mjs and its modules
}

// errMissing says what is not installed and how to get it.
type errMissing struct{ what, how string }

func (e errMissing) Error() string { return e.what + " is missing; " + e.how }

// find looks for the machine's parts, and installs the driver's module by npm into a cache folder that
// is named by what it holds, so that a new version never meets an old one.
func find() (parts, error) {
	var p parts
	var err error
	if p.chromium, err = program("LEADWIRE_CHROMIUM", "chromium", "chromium-browser", "google-chrome"); err != nil {
		return p, errMissing{"Chromium", "apt-get install --no-install-recommends chromium, or name one in LEADWIRE_CHROMIUM"}
	}
	if p.node, err = program("LEADWIRE_NODE", "node", "nodejs"); err != nil {
		return p, errMissing{"Node.js 18 or newer", "apt-get install nodejs npm, or name one in LEADWIRE_NODE"}
	}
	p.driver, err = install()
	return p, err
}

// program answers with the one the environment names, or else the first there is.
func program(env string, names ...string) (string, error) {
	if named := os.Getenv(env); named != "" {
		return exec.LookPath(named)
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// install makes the driver's folder if it is not there. It is made under another name and then renamed:
// packages are tested at the same time, and none may find it half done.
func install() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	files, tag, err := driverFiles()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "leadwire", "browser-"+tag)
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(home), "installing-")
	if err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	defer os.RemoveAll(fresh)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(fresh, name), content, 0o644); err != nil {
			return "", fmt.Errorf("write driver: %w", err)
		}
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = fresh
	if out, err := npm.CombinedOutput(); err != nil {
		return "", errMissing{"the browser driver", fmt.Sprintf("npm ci: %v: %s", err, out)}
	}
	if err := os.Rename(fresh, home); err != nil && !errors.Is(err, fs.ErrExist) && !present(home) {
		return "", fmt.Errorf("keep driver: %w", err)
	}
	return home, nil
}

// present: somebody else was faster.
func present(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "driver.mjs"))
	return err == nil
}

// driverFiles reads the embedded driver, and names it by its content.
func driverFiles() (map[string][]byte, string, error) {
	entries, err := driver.ReadDir("driver")
	if err != nil {
		return nil, "", fmt.Errorf("read embedded driver: %w", err)
	}
	files, sum := map[string][]byte{}, sha256.New()
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		content, err := driver.ReadFile("driver/" + e.Name())
		if err != nil {
			return nil, "", fmt.Errorf("read embedded driver: %w", err)
		}
		files[e.Name()] = content
		fmt.Fprintf(sum, "%s %d\n%s", e.Name(), len(content), content)
	}
	return files, hex.EncodeToString(sum.Sum(nil)[:8]), nil
}
