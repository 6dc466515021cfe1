namespace Bulkhead.Lab.Shop;

/// <summary>
/// A service that requests use. One connection is kept as long as it lives, as a pool would; besides, every so often a
/// request is served by a connection made for it alone, so that the link carries new connections as well.
/// </summary>
internal abstract class Backend(string name) : IAsyncDisposable
{
    private static readonly TimeSpan FreshEvery = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _turn = new(1);
    private long _lastFresh;
    private IConversation? _kept;

    /// <summary>The backend's name in answers.</summary>
    public string Name => name;

    /// <summary>Has the backend do something real and returns what it said.</summary>
    public async Task<string> AskAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        await _turn.WaitAsync(limit.Token);
        try
        {
            if (_lastFresh == 0 || TimeProvider.System.GetElapsedTime(_lastFresh) > FreshEvery)
            {
                _lastFresh = TimeProvider.System.GetTimestamp();
                await using var fresh = await OpenAsync(limit.Token);
                return await fresh.AskAsync(limit.Token);
            }

            _kept ??= await OpenAsync(limit.Token);
            return await _kept.AskAsync(limit.Token);
        }
        catch
        {
            await DropAsync();
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await DropAsync();
        _turn.Dispose();
    }

    /// <summary>Makes a new connection.</summary>
    protected abstract Task<IConversation> OpenAsync(CancellationToken cancellationToken);

    private async Task DropAsync()
    {
        if (_kept is { } kept)
        {
            _kept = null;
            await kept.DisposeAsync();
        }
    }
}

/// <summary>An open connection to a backend; used by one request at a time.</summary>
internal interface IConversation : IAsyncDisposable
{
    /// <summary>One question and its answer.</summary>
    Task<string> AskAsync(CancellationToken cancellationToken);
}
