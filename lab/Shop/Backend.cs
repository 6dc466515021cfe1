namespace Bulkhead.Lab.Shop;

/// <summary>
/// A service that requests use. One connection is kept as long as it lives, as a pool would; besides, a second one is
/// replaced every so often, so that the link carries new connections as well.
/// </summary>
internal abstract class Backend(string name) : IAsyncDisposable
{
    private static readonly TimeSpan FreshEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _turn = new(1);
    private long _lastFresh;
    private IConversation? _kept;
    private IConversation? _fresh;

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
                await DropAsync(_fresh);
                _fresh = await OpenAsync(limit.Token);
                return await _fresh.AskAsync(limit.Token);
            }

            _kept ??= await OpenAsync(limit.Token);
            return await _kept.AskAsync(limit.Token);
        }
        catch
        {
            await DropAllAsync();
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await DropAllAsync();
        _turn.Dispose();
    }

    /// <summary>Makes a new connection.</summary>
    protected abstract Task<IConversation> OpenAsync(CancellationToken cancellationToken);

    private async Task DropAllAsync()
    {
        var (kept, fresh) = (_kept, _fresh);
        (_kept, _fresh) = (null, null);
        await DropAsync(kept);
        await DropAsync(fresh);
    }

    private static ValueTask DropAsync(IConversation? conversation) => conversation?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>An open connection to a backend; used by one request at a time.</summary>
internal interface IConversation : IAsyncDisposable
{
    /// <summary>One question and its answer.</summary>
    Task<string> AskAsync(CancellationToken cancellationToken);
}
