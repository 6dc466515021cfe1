namespace Bulkhead.Lab;

/// <summary>A Redis cache, open to whoever reaches it, as caches in the field often are.</summary>
internal sealed class Redis : DaemonKind
{
    public override string Name => "redis";

    public override string Program => "redis-server";

    public override string User => "redis";

    public override Service Service => new("tcp", 6379, WireProtocol.Redis);

    public override Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var configuration = setup.Write("redis.conf", $"""
            bind * -::*
            port 6379
            protected-mode no
            daemonize no
            dir {setup.Folder}
            save ""
            appendonly no
            maxmemory 16mb
            maxmemory-policy allkeys-lru
            """);
        return Task.FromResult(new Launch(Tool.Require("redis-server"), configuration));
    }
}
