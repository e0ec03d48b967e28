package cluster_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// authority makes certificates of nodes, and writes them into files.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign(nil, nil, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) sign(parent *x509.Certificate, by *ecdsa.PrivateKey, name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	c.SerialNumber, c.Subject, c.NotAfter = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}, time.Now().Add(time.Hour)
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	require.NoError(a.t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		require.NoError(a.t, os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600))
	}
	made, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return made, key
}

// node is a node's configuration, with a certificate of its own and the authority that it goes by.
func (a *authority) node(name string, by *authority) cluster.Config {
	a.t.Helper()
	a.sign(a.cert, a.key, name, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	server, client, err := cluster.MutualTLS(filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key"), filepath.Join(by.dir, "ca.pem"))
	require.NoError(a.t, err)
	return cluster.Config{ServerTLS: server, ClientTLS: client}
}

// shake is a handshake between two configurations: what each side makes of it.
func shake(t *testing.T, server, client *tls.Config) (ofServer, ofClient error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	require.NoError(t, err)
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			defer conn.Close()
			_, err = conn.Read(make([]byte, 1)) // shakes hands first
		}
		done <- err
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		defer conn.Close()
		_, _ = conn.Write([]byte{1})
	}
	return <-done, err
}

// Nodes with certificates of one authority speak with each other, whatever their names; those of another one are strangers in
// both directions, and so is who shows none.
func TestMutualTLS_IsForNodesOfOneAuthority(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	a, b := ours.node("a", ours), ours.node("b", ours)
	ofServer, ofClient := shake(t, a.ServerTLS, b.ClientTLS)
	require.NoError(t, ofServer)
	require.NoError(t, ofClient)

	_, ofClient = shake(t, theirs.node("c", ours).ServerTLS, a.ClientTLS)
	require.ErrorContains(t, ofClient, "unknown authority", "the server is a stranger")
	ofServer, _ = shake(t, a.ServerTLS, theirs.node("d", ours).ClientTLS)
	require.Error(t, ofServer, "the client is a stranger")
	ofServer, _ = shake(t, a.ServerTLS, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	require.Error(t, ofServer, "the client is nobody")

	// It holds for real nodes.
	ledger := clustertest.NewLedger()
	first := clustertest.Start(t, a, cluster.Deps{Ledger: ledger})
	b.Seeds = []string{first.GossipAddress()}
	second := clustertest.Start(t, b, cluster.Deps{Ledger: ledger})
	require.Eventually(t, func() bool { return len(first.Held())+len(second.Held()) == 256 && len(second.Held()) > 0 }, clustertest.Timeout, clustertest.Timeout/1000)
}

// A certificate that is renewed is shown from the next connection on; while its files do not fit together, the one before is.
func TestMutualTLS_FollowsItsFiles(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	a, b := ours.node("a", ours), ours.node("b", ours)
	serial := func() *big.Int {
		cert, err := a.ServerTLS.GetCertificate(nil)
		require.NoError(t, err)
		return cert.Leaf.SerialNumber
	}
	before := serial()
	later := time.Now().Add(time.Minute)
	touch := func() {
		for _, file := range []string{"a.pem", "a.key"} {
			require.NoError(t, os.Chtimes(filepath.Join(ours.dir, file), later, later))
		}
		later = later.Add(time.Minute)
	}
	ours.sign(ours.cert, ours.key, "a", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	touch()
	renewed := serial()
	require.NotEqual(t, before, renewed)
	require.NoError(t, os.WriteFile(filepath.Join(ours.dir, "a.key"), []byte("half"), 0o600))
	touch()
	require.Equal(t, renewed, serial())
	require.NoError(t, os.Remove(filepath.Join(ours.dir, "a.pem")))
	require.Equal(t, renewed, serial())
	ofServer, ofClient := shake(t, b.ServerTLS, a.ClientTLS)
	require.NoError(t, ofServer)
	require.NoError(t, ofClient)

	_, _, err := cluster.MutualTLS(filepath.Join(ours.dir, "none.pem"), filepath.Join(ours.dir, "b.key"), filepath.Join(ours.dir, "ca.pem"))
	require.ErrorContains(t, err, "certificate")
	_, _, err = cluster.MutualTLS(filepath.Join(ours.dir, "b.pem"), filepath.Join(ours.dir, "b.key"), filepath.Join(ours.dir, "b.key"))
	require.ErrorContains(t, err, "holds no certificate")
}
