package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"
)

// The authority and the key of the service accounts last as long as the instance, because pods and kubeconfigs trust
// them. All other certificates are issued at each start, because the node's address may have changed.

const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 365 * 24 * time.Hour
	clockTolerance  = time.Hour
)

// leaf is a certificate to issue; clients have no names, servers no organisation.
type leaf struct {
	file         string
	name         string
	organization string
	hosts        []string
	addresses    []string
}

func leaves(nodeAddress string) []leaf {
	return []leaf{
		{file: "apiserver", name: "kube-apiserver",
			hosts:     []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"},
			addresses: []string{"127.0.0.1", nodeAddress, kubernetesService}},
		{file: "kubelet-server", name: nodeName, hosts: []string{nodeName}, addresses: []string{nodeAddress}},
		{file: "apiserver-kubelet", name: "kube-apiserver-kubelet-client", organization: "system:masters"},
		{file: "front-proxy", name: "front-proxy-client"},
		{file: "admin", name: "admin", organization: "system:masters"},
		{file: "controller-manager", name: "system:kube-controller-manager"},
		{file: "scheduler", name: "system:kube-scheduler"},
		{file: "proxy", name: "system:kube-proxy"},
		{file: "kubelet", name: "system:node:" + nodeName, organization: "system:nodes"},
	}
}

// kubeconfigUsers are the leaves for which a kubeconfig is written.
var kubeconfigUsers = []string{"admin", "controller-manager", "scheduler", "proxy", "kubelet"}

func issueCertificates(nodeAddress string) error {
	authority, authorityKey, err := lastingAuthority()
	if err != nil {
		return err
	}
	if _, err := os.Stat(keyPath("service-account")); errors.Is(err, fs.ErrNotExist) {
		if _, err := newKey("service-account"); err != nil {
			return err
		}
	}
	for _, one := range leaves(nodeAddress) {
		if err := issue(one, authority, authorityKey); err != nil {
			return err
		}
	}
	return nil
}

func lastingAuthority() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certificate, err := readPEM(certificatePath("ca"))
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthority()
	}
	if err != nil {
		return nil, nil, err
	}
	authority, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, nil, err
	}
	private, err := readPEM(keyPath("ca"))
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParseECPrivateKey(private)
	return authority, key, err
}

func newAuthority() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := newKey("ca")
	if err != nil {
		return nil, nil, err
	}
	template := certificate("ticket-node-ca", authorityLife)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	// Last, because this file shows that the authority is complete.
	if err := sign("ca", template, template, key, key); err != nil {
		return nil, nil, err
	}
	return lastingAuthority()
}

func issue(one leaf, authority *x509.Certificate, authorityKey *ecdsa.PrivateKey) error {
	key, err := newKey(one.file)
	if err != nil {
		return err
	}
	template := certificate(one.name, certificateLife)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if one.organization != "" {
		template.Subject.Organization = []string{one.organization}
	}
	if len(one.addresses) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.DNSNames = one.hosts
		for _, address := range one.addresses {
			template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
		}
	}
	return sign(one.file, template, authority, key, authorityKey)
}

func certificate(commonName string, life time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    time.Now().Add(-clockTolerance),
		NotAfter:     time.Now().Add(life),
	}
}

func sign(file string, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) error {
	signed, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return err
	}
	return writePEM(certificatePath(file), "CERTIFICATE", signed)
}

func newKey(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(keyPath(file), "EC PRIVATE KEY", encoded)
}

func writePEM(path, kind string, content []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600)
}

func readPEM(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New(path + " holds no PEM block")
	}
	return block.Bytes, nil
}
