namespace Bulkhead.Lab;

/// <summary>Prometheus, scraping node exporters that it finds in the DNS.</summary>
internal sealed class Prometheus : DaemonKind
{
    public override string Name => "prometheus";

    public override string Program => "prometheus";

    public override string User => "prometheus";

    public override Service Service => new("tcp", 9090, WireProtocol.Http("/-/ready"));

    public override IReadOnlyList<string> Consumes => ["node-exporter", "dnsmasq"];

    public override Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var targets = setup.ResolvesNames
            ? $"dns_sd_configs: [{{names: ['{Dnsmasq.ExportersName}'], type: A, port: 9100, refresh_interval: 2s}}]"
            : $"static_configs: [{{targets: [{string.Join(", ", setup.LinksTo("node-exporter").Select(link => $"'{DaemonSetup.NameOf(link)}:9100'"))}]}}]";
        var configuration = setup.Write("prometheus.yml", $"""
            global: {'{'} scrape_interval: 2s, scrape_timeout: 2s {'}'}
            scrape_configs:
              - job_name: node
                {targets}

            """);
        return Task.FromResult(new Launch(
            Tool.Require("prometheus"), $"--config.file={configuration}", $"--storage.tsdb.path={setup.Folder}/data",
            "--storage.tsdb.retention.time=2h", "--web.listen-address=:9090", "--log.level=warn")
        { Environment = { ["GOMAXPROCS"] = "1" } });
    }
}

/// <summary>Prometheus's node exporter, with few collectors.</summary>
internal sealed class NodeExporter : DaemonKind
{
    public override string Name => "node-exporter";

    public override string Program => "prometheus-node-exporter";

    public override string User => "prometheus";

    public override Service Service => new("tcp", 9100, WireProtocol.Http("/"));

    public override Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken) =>
        Task.FromResult(new Launch(
            Tool.Require("prometheus-node-exporter"), "--web.listen-address=:9100", "--web.disable-exporter-metrics", "--log.level=warn",
            "--collector.disable-defaults", "--collector.loadavg", "--collector.uname", "--collector.time")
        { Environment = { ["GOMAXPROCS"] = "1" } });
}
