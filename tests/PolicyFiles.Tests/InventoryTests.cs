using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.PolicyFiles.Inventory;

namespace Bulkhead.PolicyFiles.Tests;

public class InventoryTests
{
    [Fact]
    public void An_inventory_is_an_index_of_workloads()
    {
        var (inventory, problems) = InventoryFile.Read(new("hosts.yaml", """
            labelKeys: [owner]
            workloads:
              - name: web1
                labels: { role: web, owner: ann }
                addresses: [192.0.2.7, 2001:db8::7]
              - { name: db1, labels: {}, addresses: [192.0.2.8, other/10.0.0.1], managed: false, space: blue }
              - name: app1
                features: [all]
                pin: { inbound: full }
                quarantined: true
                admitted: false
            """));
        Assert.Empty(problems);
        var named = inventory!.Workloads.Workloads.ToDictionary(w => w.Name);
        Assert.Equal(("owner=ann,role=web", true, [Features.Base]), (named["web1"].Labels.ToString(), named["web1"].Managed, named["web1"].Features));
        Assert.Equal(["blue/192.0.2.8", "other/10.0.0.1"], named["db1"].Addresses.Select(a => a.ToString()));
        Assert.Equal((new AddressSpace("blue"), false, 0), (named["db1"].Space, named["db1"].Managed, named["db1"].Features.Count));
        Assert.Equal((Features.All.Count, new Modes(EnforcementMode.Full, EnforcementMode.Visibility), true, false), (named["app1"].Features.Count, named["app1"].Pin, named["app1"].Quarantined, named["app1"].Admitted));
        Assert.Equal("659a7fb2-af47-6fae-688d-711213d91dc1", WorkloadReader.IdOf("web1").ToString());
        Assert.Same(named["web1"], inventory.Workloads.Holder(ScopedAddress.Of(IpAddress.Parse("192.0.2.7"))));
    }

    [Theory]
    [InlineData("workloads: [{nmae: x}]", "f:1:14 unknown-name")]
    [InlineData("workloads:\n  - {}", "f:2:5 bad-name")]
    [InlineData("workloads:\n  - name: a\n  - name: a", "f:3:11 duplicate-name")]
    [InlineData("workloads:\n  - name: a\n    labels: {rloe: web, role: '', app: [x]}", "f:3:20 unknown-label-key; f:3:31 bad-label-value; f:3:40 bad-form")]
    [InlineData("workloads:\n  - name: a\n    addresses: [192.0.2, 192.0.2.0/24]", "f:3:17 bad-address; f:3:26 bad-address")]
    [InlineData("workloads:\n  - name: a\n    features: [process-inbound]", "f:3:16 unknown-feature")]
    [InlineData("workloads:\n  - name: a\n    pin: {inbound: loud}\n    managed: yes", "f:3:20 bad-mode; f:4:14 bad-boolean")]
    [InlineData("workloads:\n  - name: a\n    sources: [192.0.2, nowhere/192.0.2.1]", "f:3:15 bad-address; f:3:24 unknown-space")]
    [InlineData("workloads:\n  - name: a\n    published:\n      - {address: x, ports: tpc/1}\n      - {address: 192.0.2.1, ports: tcp/80-90, to: 65530}\n      - {address: 192.0.2.1, ports: icmp/8, to: 9}", "f:4:19 bad-address; f:4:29 bad-port; f:5:52 bad-port-mapping; f:6:49 bad-port-mapping")]
    [InlineData("workloads:\n  - name: a\n    published:\n      - {address: 192.0.2.1, ports: tcp/80-90}\n      - {address: 192.0.2.1, ports: tcp/90, to: 1}\n  - {name: b, published: [{address: 192.0.2.1, ports: any, shared: true}]}", "f:5:9 overlapping-publication; f:6:27 overlapping-publication")]
    [InlineData("workloads: [{name: a, published: [{address: 192.0.2.1}]}]", "f:1:35 bad-port")]
    [InlineData("workloads:\n  - name: a\n    labels: {rloe: web}\n    adresses: []\n    quarantined: 'true'", "f:3:20 unknown-label-key; f:4:5 unknown-name; f:5:18 bad-boolean")]
    [InlineData("labelKeys: [Owner]", "f:1:13 bad-label-key")]
    [InlineData("rulesets: []", "f:1:1 unknown-name")]
    [InlineData("- a", "f:1:1 bad-form")]
    public void Every_problem_is_told_at_its_place(string text, string problems)
    {
        var (inventory, found) = InventoryFile.Read(new("f", text));
        Assert.Null(inventory);
        Assert.Equal(problems, string.Join("; ", found.Select(p => $"{p.At} {p.Found.Code}")));
    }

    [Fact]
    public void Translations_are_read_with_their_ports_and_spaces()
    {
        var (inventory, problems) = InventoryFile.Read(new("f", """
            workloads:
              - name: shop
                addresses: [host1/172.17.0.2]
                published:
                  - { address: 192.0.2.1, ports: tcp/8080-8089, to: 80 }
                  - { address: "2001:db8::80", ports: tcp/443, shared: true }
                  - { address: blue/10.0.0.1, ports: any }
                sources: [192.0.2.1, blue/192.0.2.2]
              - { name: other, space: blue, published: [{ address: /2001:db8::80, ports: tcp, shared: true }] }
            """));
        Assert.Empty(problems);
        var shop = inventory!.Workloads.Workloads.Single(w => w.Name == "shop");
        Assert.Equal(["192.0.2.1 tcp/8080-8089 to 80", "2001:db8::80 tcp/443 shared", "blue/10.0.0.1 any"], shop.Published.Select(p => p.ToString()));
        Assert.Equal(["192.0.2.1", "blue/192.0.2.2"], shop.Sources.Select(s => s.ToString()));
        Assert.Equal(["other", "shop"], inventory.Workloads.Translations.LeadingTo(ScopedAddress.Of(IpAddress.Parse("2001:db8::80")), 6, 443).Select(end => end.Workload.Name).Order());
        Assert.Equal([((ushort)85)], inventory.Workloads.Translations.LeadingTo(ScopedAddress.Of(IpAddress.Parse("192.0.2.1")), 6, 8085).Select(end => end.Port));
        Assert.Empty(inventory.Workloads.Translations.LeadingTo(ScopedAddress.Of(IpAddress.Parse("192.0.2.1")), 6, 8090));
    }

    [Fact]
    public void An_address_with_two_holders_is_a_warning()
    {
        var (inventory, problems) = InventoryFile.Read(new("f", "workloads:\n  - {name: a, addresses: [192.0.2.7]}\n  - {name: b, addresses: [192.0.2.7]}\n  - {name: c, space: x, addresses: [192.0.2.7]}"));
        Assert.NotNull(inventory);
        Assert.Equal((Severity.Warning, "f:3:27"), (Assert.Single(problems).Found.Severity, problems[0].At.ToString()));
    }
}
